"""What remains when somebody gives up."""

import asyncio

import pytest

from chatr.ports import EventLog
from chatr.testing.contract.steps import PATIENCE, draft, everything, fill, followed, nothing_left, turns


async def give_up(task: asyncio.Task[object], after: int) -> None:
    """Cancel a task after it had so many turns."""
    await turns(after)
    task.cancel()
    await asyncio.wait([task])


async def test_cancelling_an_append_is_all_or_nothing(log: EventLog) -> None:
    """Wherever an append is cancelled, its draft is stored whole or not at all, and may be sent again."""
    drafts = [draft() for _ in range(1_000)]
    for moment, each in enumerate(drafts):
        await give_up(asyncio.create_task(log.append(each, expected=0)), moment % 12)
    sent_again = [await log.append(each, expected=0) for each in drafts]

    assert sorted(sent_again, key=lambda each: each.position) == await everything(log)


async def test_a_cancelled_append_harms_nobody_beside_it(log: EventLog) -> None:
    """Who is not cancelled gets an answer, also in the same commit."""
    crowd = [asyncio.create_task(log.append(draft(), expected=0)) for _ in range(100)]
    await turns(1)
    for task in crowd[::3]:
        task.cancel()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    rest = [answer for number, answer in enumerate(answers) if number % 3]

    assert rest == [each for each in await everything(log) if each in rest]


async def test_a_cancelled_read_harms_no_other(log: EventLog) -> None:
    """A reader's connection is not left in the middle of an answer."""
    written = await fill(log, 2_500)
    for moment in range(50):
        await give_up(asyncio.create_task(log.read(0, 10)), moment % 10)

    assert written[1:3] == await log.read(1, 2)


@pytest.mark.parametrize("turn", range(4))
async def test_cancelling_a_tail_leaves_nothing_behind(log: EventLog, turn: int) -> None:
    """A follower that is cancelled, wherever it is, takes its tasks and threads with it.

    What the log does for itself, such as to connect, may begin meanwhile, and ends.
    """
    written = await fill(log, 1)
    before = asyncio.all_tasks()
    with nothing_left():
        await give_up(asyncio.create_task(followed(log, 1, after=written[0].cursor)), turn)
        async with asyncio.timeout(PATIENCE):
            while begun := asyncio.all_tasks() - before:
                await asyncio.wait(begun)


async def test_a_log_is_followed_after_a_tail_was_cancelled(log: EventLog) -> None:
    """The next follower is not woken less."""
    await give_up(asyncio.create_task(followed(log, 1)), 5)
    following = asyncio.create_task(followed(log, 1))
    await turns(5)

    assert await fill(log, 1) == await following
