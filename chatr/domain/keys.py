"""API keys: `chatr_`, 30 random base62 characters, and a checksum of 6, the CRC-32 of everything before it.

The checksum tells a mistyped key from a real one without a look-up, and a key that was posted in a message by mistake
from a word that happens to look like one.
"""

import re
from hashlib import sha256
from typing import Final
from zlib import crc32

from chatr.domain.limits import CODE_ALPHABET, RECOVERY_CODE_LENGTH

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The digits of base62, in order of their value."""
PREFIX: Final = "chatr_"
# 178 bits: nobody can guess a key.
RANDOM_LENGTH: Final = 30
# The fewest base62 characters that hold the 32 bits of CRC-32.
CHECKSUM_LENGTH: Final = 6
KEY: Final = re.compile(rf"({PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")
# A look-ahead consumes nothing, so a key is found even if it begins inside something that has the shape of a key.
KEY_INSIDE: Final = re.compile(f"(?={KEY.pattern})")


def checksum(text: str) -> str:
    """The CRC-32 of an ASCII text as base62 digits."""
    value, digits = crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def key_from_random(random: str) -> str:
    """The key made of 30 random base62 characters."""
    return PREFIX + random + checksum(PREFIX + random)


def is_key(text: str) -> bool:
    """Whether the whole text has the form of a key, with the right checksum."""
    found = KEY.fullmatch(text)
    return found is not None and checksum(found[1]) == found[2]


def contains_key(text: str) -> bool:
    """Whether a key with the right checksum is anywhere in the text."""
    # Nearly no message contains the prefix, and the search for it is the cheaper one.
    return PREFIX in text and any(checksum(found[1]) == found[2] for found in KEY_INSIDE.finditer(text))


def hash_key(key: str) -> str:
    """The SHA-256 of a key in hex, the only form in which a key is stored."""
    # A slow hash protects passwords, which can be guessed. A key has too much entropy for that.
    return sha256(key.encode(errors="surrogatepass")).hexdigest()


def recovery_code(digest: str) -> str:
    """The code by which a Moltbook account confirms the key with this digest: 100 bits of another digest.

    It is computed when a recovery starts and again when it is completed, perhaps by another version: it never changes.
    """
    # Another digest, because the code is posted in public, and no part of what the log stores of a key should be.
    value, base = int.from_bytes(sha256(f"recovery {digest}".encode()).digest()), len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[value // base**place % base] for place in range(RECOVERY_CODE_LENGTH))
