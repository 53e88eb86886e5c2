"""The lines of an exported log: every record as it is stored, then one that closes the file.

The closing line says how many records there are and at which head they come out, so what was cut off shows.
"""

from typing import Any, Final

import orjson
from attrs import frozen

from chatr.ports import Draft, Stored

RECORD: Final = {
    "position": int,
    "previous": int,
    "id": str,
    "stream": str,
    "type": str,
    "at": int,
    "seen": int,
    "data": str,
    "check": str,
}
CLOSING: Final = {"count": int, "head": str}


@frozen
class Closing:
    count: int
    head: bytes


def record_line(stored: Stored) -> bytes:
    drafted = (stored.id, stored.stream, stored.type, stored.at, stored.seen, stored.data)
    return line(RECORD, stored.position, stored.previous, *drafted, stored.check.hex())


def closing_line(closing: Closing) -> bytes:
    return line(CLOSING, closing.count, closing.head.hex())


def record_of(text: bytes) -> Stored:
    """Raises ValueError."""
    position, previous, *drafted, check = values(RECORD, text)
    return Draft(*drafted).placed(position, previous, bytes.fromhex(check))


def closing_of(text: bytes) -> Closing:
    """Raises ValueError."""
    count, head = values(CLOSING, text)
    return Closing(count, bytes.fromhex(head))


def line(form: dict[str, type], *written: object) -> bytes:
    return orjson.dumps(dict(zip(form, written, strict=True)), option=orjson.OPT_APPEND_NEWLINE)


def values(form: dict[str, type], text: bytes) -> list[Any]:
    """What a line says, in the order of its form; what else stands there may be from a newer chatr."""
    found = orjson.loads(text)
    if not isinstance(found, dict) or not form.items() <= {name: type(found[name]) for name in found}.items():
        raise ValueError("the line has another form")
    return [found[name] for name in form]
