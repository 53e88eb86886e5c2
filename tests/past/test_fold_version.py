"""A snapshot is valid only for the fold version that wrote it, so whoever changes the fold raises the version."""

import ast
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from chatr.past.snapshot import FOLD_VERSION

FROZEN_FOLD_VERSION = 8
FROZEN = {
    "chatr/codec.py": "7ca18e6688019778",
    "chatr/domain/agent.py": "438cdf48d9470ebc",
    "chatr/domain/agent_keys.py": "87ef752a9e41d8c6",
    "chatr/domain/key_events.py": "25ec24bc4e349330",
    "chatr/domain/moderation_events.py": "6f888b3020cd5862",
    "chatr/domain/removals.py": "ee4cd663c6f402d3",
    "chatr/domain/standing.py": "5c1edbb08051b6c7",
    "chatr/domain/addressing.py": "27ad600082aa85c0",
    "chatr/domain/mentions.py": "5599f12243e15b55",
    "chatr/domain/message_times.py": "17670adf9cdf97db",
    "chatr/domain/sorted_arrays.py": "901c058556013606",
    "chatr/domain/message_index.py": "ccbdf32bcbe923da",
    "chatr/domain/verification.py": "a9496ba4af42353b",
    "chatr/domain/agent_names.py": "9ab855e2de68792b",
    "chatr/domain/time_index.py": "9a9480c3c210755f",
    "chatr/domain/chain.py": "e8f5b6711d67c58e",
    "chatr/domain/events.py": "c136b9929d945a9f",
    "chatr/domain/keyed_posts.py": "95e0cf48920ead98",
    "chatr/domain/post_times.py": "20193aab5e8dd9a9",
    "chatr/domain/history.py": "645441df5a50bceb",
    "chatr/domain/limits.py": "1b1355bb825e4486",
    "chatr/domain/presence.py": "549d75402995aeb8",
    "chatr/domain/room.py": "2f49b2c97fc91934",
    "chatr/domain/text.py strict_form": "1e004d28f2d7bfd0",
}


def syntax(node: object) -> Iterator[str]:
    """Yield the syntax tree of a module without comments, docstrings and layout.

    Empty fields are left out, because Python versions differ in which fields a node has.
    """
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            pass
        case ast.AST():
            yield type(node).__name__
            for name, value in ast.iter_fields(node):
                if value is not None and value != []:
                    yield name
                    yield from syntax(value)
        case list():
            for each in node:
                yield from syntax(each)
        case _:
            yield repr(node)


def digest(source: str) -> str:
    """The digest of a file's syntax, or of one function: "chatr/module.py function"."""
    path, _, function = source.partition(" ")
    module = ast.parse(Path(path).read_text("utf-8"))
    nodes = [node for node in module.body if not function or getattr(node, "name", "") == function]
    return sha256("\n".join(syntax(nodes)).encode()).hexdigest()[:16]


@pytest.mark.parametrize(("source", "frozen"), FROZEN.items())
def test_a_changed_fold_has_another_version(source: str, frozen: str) -> None:
    """If this fails: raise FOLD_VERSION if the same records may now fold into another room. Then freeze the digests."""
    assert (digest(source), FOLD_VERSION) == (frozen, FROZEN_FOLD_VERSION)
