"""What callers may rely on when they are cancelled."""

import asyncio

import pytest

from chatr.ports import EventLog
from chatr.testing.contract.steps import (
    TIMEOUT,
    append_many,
    new_draft,
    no_tasks_or_threads_left,
    read_all,
    read_tail,
    run_event_loop,
)


async def cancel_after(task: asyncio.Task[object], iterations: int) -> None:
    """Cancel a task after so many iterations of the event loop, and wait until it has ended."""
    await run_event_loop(iterations)
    task.cancel()
    await asyncio.wait([task])


async def test_a_cancelled_append_is_stored_whole_or_not_at_all(log: EventLog) -> None:
    """Wherever an append is cancelled, its draft is stored whole or not at all, and can be appended again."""
    drafts = [new_draft() for _ in range(1_000)]
    for number, draft in enumerate(drafts):
        # At twelve different moments of an append: queued, committing, committed, returning.
        await cancel_after(asyncio.create_task(log.append(draft, expected=0)), number % 12)
    repeated = [await log.append(draft, expected=0) for draft in drafts]

    assert sorted(repeated, key=lambda stored: stored.position) == await read_all(log)


async def test_a_cancelled_append_does_not_affect_others(log: EventLog) -> None:
    """Callers that are not cancelled get their records, also those in the same commit."""
    appends = [asyncio.create_task(log.append(new_draft(), expected=0)) for _ in range(100)]
    await run_event_loop(1)
    for append in appends[::3]:
        append.cancel()
    results = await asyncio.gather(*appends, return_exceptions=True)
    not_cancelled = [result for number, result in enumerate(results) if number % 3]

    assert not_cancelled == [stored for stored in await read_all(log) if stored in not_cancelled]


async def test_a_cancelled_read_does_not_affect_others(log: EventLog) -> None:
    """The next read gets its own records, not those of a read that was cancelled."""
    stored = await append_many(log, 2_500)
    for number in range(50):
        await cancel_after(asyncio.create_task(log.read(0, 10)), number % 10)

    assert stored[1:3] == await log.read(1, 2)


@pytest.mark.parametrize("iterations", range(4))
async def test_cancelling_a_tail_leaves_no_tasks_or_threads(log: EventLog, iterations: int) -> None:
    """A reader of a tail that is cancelled, wherever it is, ends all tasks and threads that it started.

    Tasks of the log itself, such as connecting, may begin meanwhile; they end, too.
    """
    stored = await append_many(log, 1)
    before = asyncio.all_tasks()
    with no_tasks_or_threads_left():
        await cancel_after(asyncio.create_task(read_tail(log, 1, after=stored[0].cursor)), iterations)
        async with asyncio.timeout(TIMEOUT):
            while started := asyncio.all_tasks() - before:
                await asyncio.wait(started)


async def test_a_tail_is_woken_after_another_one_was_cancelled(log: EventLog) -> None:
    """A cancelled tail does not take the wake-up of the next one with it."""
    await cancel_after(asyncio.create_task(read_tail(log, 1)), 5)
    tailing = asyncio.create_task(read_tail(log, 1))
    await run_event_loop(5)

    assert await append_many(log, 1) == await tailing
