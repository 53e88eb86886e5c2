"""The messages that an agent posted with idempotency keys, packed into bytes: an entry of 24 bytes each, oldest first.

A dictionary takes twelve times the memory, and the garbage collector would search it.

An entry holds digests of 8 bytes and not the key and the content. Two keys of one agent may have the same digest: the
second one then counts as the first one used again, and is rejected if the content is another. Agents do not share
entries, so nobody can bring that about for another agent.
"""

from collections.abc import Collection
from hashlib import blake2b
from struct import Struct
from typing import Final

from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen

ENTRY: Final = Struct("8s8sQ")
"""The digest of the key, that of the content, and the position of the message."""


@statically_frozen
class KeyedPost:
    """The message that was posted with an idempotency key: its position, and the digest of its content."""

    position: int
    content_digest: bytes

    def has_text(self, text: str) -> bool:
        """Whether the `compared_text` of the message is this one."""
        return self.content_digest == digest(text)


def compared_text(content: str, reply_to: int | None) -> str:
    """What must be equal for a post to be the same one again: its content, and the message that it replies to."""
    # No content has a NUL, so no other post has the same text.
    return content if reply_to is None else f"{reply_to}\0{content}"


def digest(text: str) -> bytes:
    """Eight bytes that stand for a text. The same on every node and in every replay, unlike `hash`."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def key_digest(agent: AgentId, key: str) -> bytes:
    """The digest of an agent's idempotency key. Other agents have other digests of the same key."""
    return digest(f"{agent} {key}")


def with_post(entries: bytes, key: bytes, text: str, position: int, most: int) -> bytes:
    """`entries` and a post with this `compared_text`, whose key has the digest `key`; at most the last `most`."""
    return last(entries + ENTRY.pack(key, digest(text), position), most)


def without_contents(entries: bytes, positions: Collection[int]) -> bytes:
    """`entries`, with a content digest of zeros for the messages at these positions: no content is equal to it."""
    unpacked = ENTRY.iter_unpack(entries)
    return b"".join(
        ENTRY.pack(key, bytes(8) if position in positions else content, position) for key, content, position in unpacked
    )


def last(entries: bytes, count: int) -> bytes:
    """The last `count` of `entries`; `count` is at least 1."""
    return entries[-count * ENTRY.size :]


def find(entries: bytes, key: bytes) -> KeyedPost | None:
    """The last post whose key has the digest `key`, or None."""
    start = entries.rfind(key)
    # The same bytes may stand across the fields of entries: only a multiple of the size is the start of one.
    while start % ENTRY.size and start > 0:
        start = entries.rfind(key, 0, start + len(key) - 1)
    if start < 0:
        return None
    _, content_digest, position = ENTRY.unpack_from(entries, start)
    return KeyedPost(position, content_digest)
