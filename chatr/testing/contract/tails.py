"""What a follower may rely on."""

import asyncio

import pytest

from chatr.domain.events import Cursor
from chatr.ports import EventLog, LogChanged, Stored
from chatr.testing.contract.steps import (
    PATIENCE,
    chain,
    draft,
    everything,
    fill,
    followed,
    turns,
    unless_conflict,
    upcoming,
)


async def test_a_tail_begins_with_the_first_record(log: EventLog) -> None:
    """Without a cursor a tail gives the whole log, in order."""
    written = await chain(log, "agent/ada", 5)

    assert written == await followed(log, 5)


async def test_a_tail_from_the_middle_equals_the_end_of_a_full_tail(log: EventLog) -> None:
    """A cursor leaves out what comes before it, itself included, and nothing else."""
    written = await fill(log, 5)

    assert written[3:] == await followed(log, 2, after=written[2].cursor)


async def test_a_tail_at_the_head_waits_for_the_next_record(log: EventLog) -> None:
    """Whoever has seen everything is given what comes next, and nothing before that."""
    written = await fill(log, 3)
    following = asyncio.create_task(followed(log, 1, after=written[-1].cursor))
    await turns(9)
    waited = not following.done()
    stored = await log.append(draft(), expected=0)

    assert (True, [stored]) == (waited, await following)


async def test_a_tail_of_an_empty_log_waits_for_its_first_record(log: EventLog) -> None:
    """A log may be followed before anything is in it."""
    following = asyncio.create_task(followed(log, 1))
    await turns(9)
    stored = await log.append(draft(), expected=0)

    assert [stored] == await following


async def test_a_tail_goes_on_for_ever(log: EventLog) -> None:
    """A tail follows one record after the other, each exactly once."""
    tail = log.tail(None)
    appended, seen = [], []
    for _ in range(20):
        appended += await fill(log, 1)
        seen += await upcoming(tail, 1)

    assert appended == seen


async def test_a_batch_is_never_empty(log: EventLog) -> None:
    """What stores nothing, as a conflict, gives a tail nothing."""
    await chain(log, "agent/ada", 1)
    tail = log.tail(None)
    await upcoming(tail, 1)
    following = asyncio.ensure_future(anext(tail))
    await turns(9)
    await unless_conflict(log, draft("agent/ada"), 0)
    [stored] = await chain(log, "agent/ada", 1, expected=1)
    async with asyncio.timeout(PATIENCE):
        batch = await following

    assert [stored] == batch


async def test_a_tail_misses_nothing_appended_while_it_goes_live(log: EventLog) -> None:
    """Between having read what there is and waiting for more there is no gap to fall into."""
    tail = log.tail(None)
    seen = []
    for moment in range(100):
        following = asyncio.create_task(upcoming(tail, 1))
        await turns(moment % 10)
        await fill(log, 1)
        seen += await following

    assert seen == await everything(log)


async def test_a_tail_misses_nothing_that_lands_while_it_looks(log: EventLog) -> None:
    """As above, from the other side: whatever the moment at which a follower comes back, it is woken."""
    tail = log.tail(None)
    seen = []
    for moment in range(300):
        appending = asyncio.create_task(fill(log, 1))
        await turns(moment % 60)
        seen += await upcoming(tail, 1)
        await appending

    assert seen == await everything(log)


async def test_two_tails_do_not_disturb_each_other(log: EventLog) -> None:
    """Every tail sees everything."""
    one, other = log.tail(None), log.tail(None)
    await fill(log, 3)
    early = await upcoming(one, 3)
    await fill(log, 3)

    assert await everything(log) == early + await upcoming(one, 3) == await upcoming(other, 6)


async def test_a_slow_tail_holds_up_nobody(log: EventLog) -> None:
    """Who stops taking records keeps nobody from writing and following, and finds all of them later."""
    await fill(log, 1)
    slow = log.tail(None)
    taken = await upcoming(slow, 1)
    await fill(log, 3_000)
    fast = await followed(log, 3_001)

    assert fast == taken + await upcoming(slow, 3_000)


async def test_a_tail_that_was_left_is_taken_up_by_another(log: EventLog) -> None:
    """The cursor of the last record seen is all that is needed to go on."""
    written = await fill(log, 10)
    seen: list[Stored] = []
    while len(seen) < 10:
        seen += [(await followed(log, 1, after=seen[-1].cursor if seen else None))[0]]

    assert written == seen


async def test_a_cursor_of_another_record_is_not_followed(log: EventLog) -> None:
    """A restored or failed-over log uses positions again; the fingerprint tells."""
    written = await fill(log, 3)
    with pytest.raises(LogChanged):
        await followed(log, 1, after=Cursor(2, written[2].cursor.fingerprint))


@pytest.mark.parametrize("position", [-1, 0, 3, 4, 2**40])
async def test_a_cursor_outside_the_log_is_not_followed(log: EventLog, position: int) -> None:
    """A log that is shorter than its reader is another log."""
    written = await fill(log, 2)
    with pytest.raises(LogChanged):
        await followed(log, 1, after=Cursor(position, written[-1].cursor.fingerprint))


async def test_an_empty_log_holds_no_cursor(log: EventLog) -> None:
    """A log that was made anew does not let its old readers wait for ever."""
    with pytest.raises(LogChanged):
        await followed(log, 1, after=Cursor(1, "00000000"))
