"""What a reader may rely on."""

import asyncio
from typing import Final

import pytest

from chatr.ports import EventLog
from chatr.testing.contract.steps import chain, draft, everything, fill, followed, upcoming

LONG: Final = 2_500
"""Records of a long log: several pages, batches and commits."""


async def test_an_empty_log_has_head_zero(log: EventLog) -> None:
    """Nothing is stored before somebody appends."""
    assert await log.head() == 0


async def test_an_empty_log_has_nothing_to_read(log: EventLog) -> None:
    """To read an empty log is no error."""
    assert await log.read(0, 10) == []


async def test_the_head_is_the_position_appended_last(log: EventLog) -> None:
    """An acknowledged record counts at once."""
    heads = []
    for _ in range(3):
        await log.append(draft(), expected=0)
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
async def test_a_page_begins_after_and_ends_at_its_limit(
    log: EventLog, after: int, limit: int, positions: list[int]
) -> None:
    """A page holds the next records in order, as many as there are and no more than asked for."""
    await chain(log, "agent/ada", 5)

    assert positions == [each.position for each in await log.read(after, limit)]


async def test_pages_and_a_tail_show_one_log(log: EventLog) -> None:
    """A long log reads the same from memory and from disk, by page and by tail."""
    written = await fill(log, LONG)

    assert written == await everything(log) == await followed(log, LONG)


async def test_every_page_of_a_long_log_is_whole(log: EventLog) -> None:
    """Wherever a page begins and ends, it is that part of the log."""
    written = await fill(log, LONG)
    pages = [await log.read(after, 75) for after in range(0, LONG, 50)]

    assert [written[after : after + 75] for after in range(0, LONG, 50)] == pages


async def test_pick_finds_records_in_the_order_asked(log: EventLog) -> None:
    """The positions decide about the order, also where one of them stands twice."""
    await fill(log, 5)

    assert [each.position for each in await log.pick([4, 1, 5, 1])] == [4, 1, 5, 1]


async def test_pick_finds_a_hundred_records_anywhere(log: EventLog) -> None:
    """A page of history may come from all over a long log."""
    written = await fill(log, LONG)

    assert written[::-25] == await log.pick(range(LONG, 0, -25))


async def test_pick_of_nothing_is_nothing(log: EventLog) -> None:
    """A page of history may be empty."""
    await fill(log, 1)

    assert await log.pick([]) == []


async def test_a_page_never_shows_a_hole(log: EventLog) -> None:
    """While others append, a reader sees the log grow at its end only."""
    tail = log.tail(None)
    writing = asyncio.create_task(fill(log, LONG))
    pages: list[list[int]] = [[]]
    while len(pages[-1]) < LONG:
        await upcoming(tail, 1)
        pages.append([each.position for each in await log.read(0, LONG)])
    await writing

    assert pages == [list(range(1, len(page) + 1)) for page in pages]
