"""The lines of an exported log: one for every record as it is stored, then a closing line.

The closing line holds the number of records and the chain hash after the last one, so that a file that was cut off is
noticed.
"""

from typing import Annotated, Any, Final

import orjson
from msgspec import Meta, Struct, json

from chatr.codec import UnreadableRecord
from chatr.domain.chain import ChainPoint
from chatr.ports import Draft, Stored

# Names and order of the fields are stored in users' files: they never change.
RECORD_FIELDS: Final = {
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
CLOSING_FIELDS: Final = {"count": int, "head": str}


Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""What orjson takes for an integer and not for a float."""


class RecordLine(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The fields of a record's line."""

    position: Integer
    previous: Integer
    id: str
    stream: str
    type: str
    at: Integer
    seen: Integer
    data: str
    check: str


# Less than half of the time that it takes to look through what orjson returns. It accepts less: a line that it rejects
# is parsed once more.
decode_line: Final = json.Decoder(RecordLine).decode


def record_line(stored: Stored) -> bytes:
    """Return the line of a record, with its line feed. Raises UnreadableRecord."""
    draft = (stored.id, stored.stream, stored.type, stored.at, stored.decided_at_position, stored.data)
    try:
        return to_line(RECORD_FIELDS, stored.position, stored.previous, *draft, stored.record_hash.hex())
    except TypeError as error:
        raise UnreadableRecord(f"Record {stored.position} cannot be exported: {error}.") from error


def closing_line(end: ChainPoint) -> bytes:
    """Return the closing line of an export that ends at `end`, with its line feed."""
    return to_line(CLOSING_FIELDS, end.position, end.chain_hash.hex())


def parse_record_line(line: bytes) -> Stored:
    """Return the record in a line. Raises ValueError."""
    try:
        found = decode_line(line)
    except (ValueError, RecursionError):
        # A line with further fields, or of another program.
        return parse_any_record_line(line)
    draft = (found.id, found.stream, found.type, found.at, found.seen, found.data)
    return Stored(*draft, found.position, found.previous, bytes.fromhex(found.check))


def parse_any_record_line(line: bytes) -> Stored:
    """As `parse_record_line`, for a line that may have further fields."""
    position, previous, *draft, record_hash = parse_line(RECORD_FIELDS, line)
    return Draft(*draft).at_position(position, previous, bytes.fromhex(record_hash))


def parse_closing_line(line: bytes) -> ChainPoint:
    """Return position and chain hash in a closing line. Raises ValueError."""
    count, chain_hash = parse_line(CLOSING_FIELDS, line)
    return ChainPoint(count, bytes.fromhex(chain_hash))


def to_line(fields: dict[str, type], *values: object) -> bytes:
    """Return a JSON object with these fields and values as a line."""
    return orjson.dumps(dict(zip(fields, values, strict=True)), option=orjson.OPT_APPEND_NEWLINE)


def parse_line(fields: dict[str, type], line: bytes) -> list[Any]:
    """Return the values of `fields` in a line, in their order. Raises ValueError if one is missing or of another type.

    Other fields are ignored, as a newer chatr may write more.
    """
    # orjson and not msgspec, because the file may come from anywhere: msgspec raises RecursionError for deep nesting,
    # and skips bytes that are no UTF-8 in fields that it does not need.
    found = orjson.loads(line)
    if not isinstance(found, dict) or not fields.items() <= {name: type(found[name]) for name in found}.items():
        raise ValueError("its fields are not those of an export")
    return [found[name] for name in fields]
