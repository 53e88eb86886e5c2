"""A snapshot is valid only for the fold version that wrote it, so whoever changes the fold raises the version."""

import ast
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from chatr.past.snapshot import FOLD_VERSION

FROZEN_FOLD_VERSION = 4
FROZEN = {
    "chatr/codec.py": "5eedeb43bc9ec255",
    "chatr/domain/activity.py": "bbeb8f9b5874378a",
    "chatr/domain/agent.py": "210bc9294d87f5b3",
    "chatr/domain/time_index.py": "355aa15fc531ee01",
    "chatr/domain/chain.py": "e8f5b6711d67c58e",
    "chatr/domain/events.py": "4b0d05b83757e3ec",
    "chatr/domain/keyed_posts.py": "95b3bb29d9a31de3",
    "chatr/domain/post_times.py": "20193aab5e8dd9a9",
    "chatr/domain/history.py": "13b4b38fb7074548",
    "chatr/domain/limits.py": "73e61fc8ed60a8b0",
    "chatr/domain/presence.py": "621d7dd101bbe125",
    "chatr/domain/room.py": "8de112d612b50b73",
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
