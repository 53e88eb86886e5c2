"""Tasks that wait for the next message."""

import asyncio
import itertools

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, MessagePosted
from chatr.domain.room import Room
from chatr.node.follower import Follower
from chatr.node.message_waiters import RELEASED_AT_ONCE, MessageWaiters
from chatr.testing.clock import START
from chatr.testing.contract.steps import run_event_loop
from chatr.testing.records import log_with, records_of

ADA = agent_id("Ada")
PAST: list[Event] = [AgentRegistered(ADA, "Ada", None, "digest", START), *(AgentSeen(ADA, START) for _ in range(5))]


async def test_only_messages_wake_who_waits_for_one() -> None:
    """A heartbeat, a registration or another record does not wake a long poll."""
    log = MemoryLog()
    follower = Follower(log, Room())
    waiting = asyncio.create_task(follower.wait_for_messages(follower.message_news))
    await log_with(log, records_of(PAST))
    async with background(follower.run()):
        await follower.wait_until_folded(len(PAST))
        await run_event_loop(5)
        was_awake = waiting.done()
        # Those that the log holds already are not appended again.
        await log_with(log, records_of([*PAST, MessagePosted(ADA, "Hello", None, START)]))
        await waiting

    assert not was_awake


async def test_a_message_that_came_meanwhile_ends_the_wait() -> None:
    """Whoever looks for a message and then waits for the next one does not miss one that came in between."""
    follower = Follower(MemoryLog(), Room())
    known = follower.message_news
    follower.stop_waiting()

    await asyncio.wait_for(follower.wait_for_messages(known), 1)


async def test_few_are_released_at_once() -> None:
    """However many wait for the same message, other tasks run between their releases."""
    waiters, released = MessageWaiters(), 0

    async def wait() -> None:
        nonlocal released
        await waiters.wait()
        released += 1

    tasks = [asyncio.create_task(wait()) for _ in range(5 * RELEASED_AT_ONCE)]
    await run_event_loop(1)
    waiters.release()
    steps = [0]
    while steps[-1] < len(tasks):
        await run_event_loop(1)
        steps.append(released)

    assert max(after - before for before, after in itertools.pairwise(steps)) == RELEASED_AT_ONCE


async def test_who_gives_up_is_forgotten() -> None:
    """A task that is cancelled before or while it is released holds up nobody."""
    waiters = MessageWaiters()
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(3)]
    await run_event_loop(1)
    tasks[0].cancel()
    await run_event_loop(1)
    waiters.release()
    tasks[1].cancel()
    await tasks[2]

    assert [task.cancelled() for task in tasks] == [True, True, False]
