"""What outlives the process, and what closing does. For stores that have something to close."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from chatr.ports import Draft, EventLog, Stored, Unavailable
from chatr.testing.contract.appends import STREAMS, TEXTS
from chatr.testing.contract.steps import (
    PATIENCE,
    OpenLog,
    chain,
    draft,
    everything,
    fill,
    followed,
    nothing_left,
    turns,
    upcoming,
)


async def test_acknowledged_means_durable(open_log: OpenLog) -> None:
    """What was acknowledged is there when the log is opened again, unchanged."""
    async with open_log() as log:
        written = await fill(log, 300) + await chain(log, "agent/ada", 3)
    async with open_log() as log:
        assert written == await everything(log)


async def test_what_is_stored_is_what_was_answered(open_log: OpenLog) -> None:
    """Every field, text and name comes back from the disk character by character."""
    drafts = [draft(stream) for stream in STREAMS] + [draft(data=text) for text in TEXTS.values()]
    drafts.append(Draft("0" * 36, "agent/ada", "noted.v2", 2**53, 2**31, '{"a": 1}'))
    async with open_log() as log:
        answered = [await log.append(each, expected=0) for each in drafts]
    async with open_log() as log:
        assert answered == await everything(log)


async def test_positions_go_on_where_they_ended(open_log: OpenLog) -> None:
    """A position is not used twice."""
    async with open_log() as log:
        await fill(log, 3)
    async with open_log() as log:
        assert (await log.append(draft(), expected=0)).position == 4


async def test_expectations_hold_across_a_restart(open_log: OpenLog) -> None:
    """The last position of a stream is known by the store and not by the process."""
    async with open_log() as log:
        [first] = await chain(log, "agent/ada", 1)
    async with open_log() as log:
        [second] = await chain(log, "agent/ada", 1, expected=1)

        assert [first, second] == await everything(log)


async def test_a_draft_sent_again_after_a_restart_is_stored_once(open_log: OpenLog) -> None:
    """Whoever missed the answer because the process ended may ask the next one."""
    again = draft()
    async with open_log() as log:
        first = await log.append(again, expected=0)
    async with open_log() as log:
        second = await log.append(again, expected=0)

        assert (first, 1) == (second, await log.head())


async def test_a_cursor_outlives_the_process(open_log: OpenLog) -> None:
    """A follower goes on after a restart where it was."""
    async with open_log() as log:
        written = await fill(log, 5)
    async with open_log() as log:
        written += await fill(log, 1)

        assert written[3:] == await followed(log, 3, after=written[2].cursor)


async def test_a_tail_crosses_from_the_past_into_the_present(open_log: OpenLog) -> None:
    """What was stored before this process and what it stores are one log."""
    async with open_log() as log:
        written = await fill(log, 1_500)
    async with open_log() as log:
        tail = log.tail(None)
        seen = await upcoming(tail, 1)
        written += await fill(log, 1_500)

        assert written == seen + await upcoming(tail, 3_000 - len(seen))


@pytest.mark.parametrize("moment", [0, 1, 3, 9, 27])
async def test_closing_answers_every_append_that_waits(open_log: OpenLog, moment: int) -> None:
    """Whoever waits while the log is closed learns whether their draft was stored."""
    async with open_log() as log:
        appends = [asyncio.create_task(log.append(draft(), expected=0)) for _ in range(1_000)]
        await turns(moment)
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*appends, return_exceptions=True)
    async with open_log() as log:
        assert [each for each in answers if isinstance(each, Stored)] == await everything(log)
    assert {type(each) for each in answers} <= {Stored, Unavailable}


ACTS: Final[dict[str, Callable[[EventLog], Awaitable[object]]]] = {
    "append": lambda log: log.append(draft(), expected=0),
    "read": lambda log: log.read(0, 10),
    "pick": lambda log: log.pick([1]),
    "head": lambda log: log.head(),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_closed_log_is_unavailable(open_log: OpenLog, act: Callable[[EventLog], Awaitable[object]]) -> None:
    """Whoever comes late is told so, and not by an error of the driver."""
    async with open_log() as log:
        await fill(log, 1)
    async with open_log() as closed:
        pass
    with pytest.raises(Unavailable):
        await act(closed)


async def test_closing_waits_for_no_follower(open_log: OpenLog) -> None:
    """A log is closed at once though it is followed; a follower sees nothing but the end of its waiting."""
    async with asyncio.timeout(PATIENCE), open_log() as log:
        following = asyncio.create_task(followed(log, 1))
        await turns(9)
    following.cancel()
    await asyncio.wait([following])

    assert following.cancelled()


async def test_closing_leaves_nothing_behind(open_log: OpenLog) -> None:
    """No task and no thread outlives the log: the process can end."""
    with nothing_left():
        async with open_log() as log:
            await followed(log, len(await fill(log, 3)))


async def test_a_cancelled_owner_closes_the_log(open_log: OpenLog) -> None:
    """However the process is told to end, the next one can open the log."""
    opened = asyncio.Event()

    async def own() -> None:
        async with open_log() as log:
            await fill(log, 3)
            opened.set()
            await followed(log, 4)

    owner = asyncio.create_task(own())
    await opened.wait()
    owner.cancel()
    await asyncio.wait([owner])
    async with open_log() as log:
        assert await log.head() == 3


async def test_an_error_beside_the_log_passes_through_it(open_log: OpenLog) -> None:
    """What goes wrong while the log is open is not hidden by closing it."""
    with pytest.raises(ZeroDivisionError):
        async with open_log() as log:
            await fill(log, 1 // 0)
