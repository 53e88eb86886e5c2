"""What a caller may rely on that reads a log."""

import asyncio
from typing import Final

import pytest

from chatr.ports import EventLog
from chatr.testing.contract.steps import append_chain, append_many, new_draft, next_records, read_all, read_tail

LONG: Final = 2_500
"""Records of a long log: several pages, batches and commits."""


async def test_an_empty_log_has_head_zero(log: EventLog) -> None:
    """The head of a log without records is position 0."""
    assert await log.head() == 0


async def test_reading_an_empty_log_returns_no_records(log: EventLog) -> None:
    """Reading an empty log is no error."""
    assert await log.read(0, 10) == []


async def test_the_head_is_the_last_position(log: EventLog) -> None:
    """A record counts as soon as its append has returned."""
    heads = []
    for _ in range(3):
        await log.append(new_draft(), expected=0)
        heads.append(await log.head())

    assert heads == [1, 2, 3]


@pytest.mark.parametrize(
    ("after", "limit", "positions"),
    [
        (0, 10, [1, 2, 3, 4, 5]),
        (0, 5, [1, 2, 3, 4, 5]),
        (0, 2, [1, 2]),
        (0, 0, []),
        (2, 2, [3, 4]),
        (4, 1, [5]),
        (4, 10, [5]),
        (5, 10, []),
        (9, 10, []),
    ],
)
async def test_a_page_begins_after_a_position_and_ends_at_its_limit(
    log: EventLog, after: int, limit: int, positions: list[int]
) -> None:
    """A page holds the next records in order, no more than its limit."""
    await append_chain(log, "agent/ada", 5)

    assert positions == [each.position for each in await log.read(after, limit)]


async def test_pages_and_a_tail_give_the_same_records(log: EventLog) -> None:
    """A long log is the same from memory and from the disk, by pages and by a tail."""
    stored = await append_many(log, LONG)

    assert stored == await read_all(log) == await read_tail(log, LONG)


async def test_every_page_of_a_long_log_is_complete(log: EventLog) -> None:
    """Wherever a page begins and ends, it is that part of the log."""
    stored = await append_many(log, LONG)
    pages = [await log.read(after, 75) for after in range(0, LONG, 50)]

    assert [stored[after : after + 75] for after in range(0, LONG, 50)] == pages


async def test_pick_returns_records_in_the_requested_order(log: EventLog) -> None:
    """Records are in the order of the positions, and repeated where a position is."""
    await append_many(log, 5)

    assert [each.position for each in await log.pick([4, 1, 5, 1])] == [4, 1, 5, 1]


async def test_pick_returns_a_hundred_records_of_a_long_log(log: EventLog) -> None:
    """The positions may be far apart."""
    stored = await append_many(log, LONG)

    assert stored[::-25] == await log.pick(range(LONG, 0, -25))


async def test_pick_without_positions_returns_no_records(log: EventLog) -> None:
    """No positions are no error."""
    await append_many(log, 1)

    assert await log.pick([]) == []


async def test_a_page_never_has_a_hole(log: EventLog) -> None:
    """While others append, every page is a beginning of the log without a hole."""
    tail = log.tail(None)
    writing = asyncio.create_task(append_many(log, LONG))
    pages: list[list[int]] = [[]]
    while len(pages[-1]) < LONG:
        await next_records(tail, 1)
        pages.append([each.position for each in await log.read(0, LONG)])
    await writing

    assert pages == [list(range(1, len(page) + 1)) for page in pages]
