"""Compares two logs record by record, without holding either in memory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from enum import StrEnum
from typing import Final

from attrs import evolve, frozen

from chatr.past.replay import BATCH, Progress, ignore_progress
from chatr.ports import LogReader, Stored

COLUMNS: Final = {
    "stream": "stream",
    "previous": "previous",
    "type": "type",
    "at": "at",
    "decided_at_position": "seen",
    "data": "data",
    "record_hash": "check",
}
"""The columns that two versions of a record can differ in, by the names of the fields."""


class Kind(StrEnum):
    """What two logs differ in. The values are part of the output of `chatr diff --json`."""

    ALTERED = "altered"
    ERASED_IN_A = "erased_in_a"
    ERASED_IN_B = "erased_in_b"
    ONLY_IN_A = "only_in_a"
    ONLY_IN_B = "only_in_b"
    FORKED = "forked"


@frozen
class Difference:
    """The records from position `begin` to `end` differ. `columns` are those that were altered.

    Logs that are FORKED hold different records from `begin` on, and `end` is the last position that both have.
    """

    kind: Kind
    begin: int
    end: int
    columns: tuple[str, ...] = ()


async def differences(
    a: LogReader, b: LogReader, ends: tuple[int, int], progress: Progress = ignore_progress
) -> AsyncIterator[Difference]:
    """Yield what is different between two logs up to their `ends`, ascending. Raises LogUnavailable.

    Records with different ids are a fork if all later ones have different ids too; else somebody altered them.
    """
    common = min(ends)
    # The first of the records, up to the current one, whose ids differ without a gap. None: the last ids were the same.
    replaced: int | None = None
    for after in range(0, common, BATCH):
        until = min(after + BATCH, common)
        blocks = [[each for each in await log.read(after, until - after) if each.position <= until] for log in (a, b)]
        # Equal blocks are skipped, unless the first record of one ends a row of different ids.
        if blocks[0] != blocks[1] or replaced is not None:
            for position, ours, theirs in pairs(*blocks):
                if ours and theirs and ours.id != theirs.id:
                    replaced = replaced or position
                    continue
                if replaced is not None and ours and theirs:
                    yield Difference(Kind.ALTERED, replaced, position - 1, ("id",))
                    replaced = None
                if ours != theirs:
                    yield difference_of(ours, theirs)
        progress(until)
    if replaced is not None:
        yield Difference(Kind.FORKED, replaced, common)
    if ends[0] != ends[1]:
        yield Difference(Kind.ONLY_IN_A if ends[0] > ends[1] else Kind.ONLY_IN_B, common + 1, max(ends))


def pairs(ours: Sequence[Stored], theirs: Sequence[Stored]) -> Iterator[tuple[int, Stored | None, Stored | None]]:
    """Yield each position with the records of two logs; None where one lacks it."""
    a, b = ({each.position: each for each in block} for block in (ours, theirs))
    for position in sorted({*a, *b}):
        yield position, a.get(position), b.get(position)


def difference_of(ours: Stored | None, theirs: Stored | None) -> Difference:
    """Return how two different records with the same id differ, or a record and none. One of the two is not None."""
    for present, other, only, erased in (
        (ours, theirs, Kind.ONLY_IN_A, Kind.ERASED_IN_B),
        (theirs, ours, Kind.ONLY_IN_B, Kind.ERASED_IN_A),
    ):
        if present is not None and other is None:
            return Difference(only, present.position, present.position)
        if present is not None and other is not None and other.is_erased and evolve(present, data="") == other:
            return Difference(erased, present.position, present.position)
    assert ours is not None
    columns = tuple(column for name, column in COLUMNS.items() if getattr(ours, name) != getattr(theirs, name))
    return Difference(Kind.ALTERED, ours.position, ours.position, columns)
