"""What the tests of the contract share: drafts, and functions that append to, read and follow a log."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final
from uuid import uuid4

from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, EventLog, LogReader, Stored

TIMEOUT: Final = 10.0
"""Seconds after which a test fails that waits for something. Long, as machines may be busy; no test waits for it."""

LONE_SURROGATES: Final = ("\ud83e", "\udc80")
"""Characters that have no UTF-8. Python decodes a byte that is no UTF-8 to the second one, if asked to."""

OpenLog = Callable[[], AbstractAsyncContextManager[EventLog]]
"""Opens an instance of the log; every call within one test opens the same store."""


def new_draft(stream: str | None = None, *, data: str = "{}", record_id: str | None = None) -> Draft:
    """Return a draft with a new id, in a new stream unless one is named."""
    record_id = record_id or str(uuid4())
    return Draft(record_id, stream or f"agent/{record_id}", "noted.v1", 1_700_000_000_000, 0, data)


async def append_many(log: EventLog, count: int) -> list[Stored]:
    """Append `count` records concurrently, each to a stream of its own."""
    return await asyncio.gather(*(log.append(new_draft(), expected=0) for _ in range(count)))


async def append_chain(log: EventLog, stream: str, count: int, expected: int = 0) -> list[Stored]:
    """Append `count` records to one stream, one after the other."""
    stored: list[Stored] = []
    for _ in range(count):
        stored.append(await log.append(new_draft(stream), expected=stored[-1].position if stored else expected))
    return stored


async def append_unless_conflict(log: EventLog, draft: Draft, expected: int) -> Stored | None:
    """Append `draft` and return its record, or None if it conflicts."""
    try:
        return await log.append(draft, expected=expected)
    except Conflict:
        return None


async def read_all(log: LogReader) -> list[Stored]:
    """Return the whole log, read page by page."""
    records: list[Stored] = []
    while page := await log.read(len(records), 1_000):
        records += page
    return records


async def next_records(tail: AsyncIterator[list[Stored]], count: int, timeout: float = TIMEOUT) -> list[Stored]:
    """Return the next records of a tail, at least `count`."""
    records: list[Stored] = []
    async with asyncio.timeout(timeout):
        while len(records) < count:
            records += await anext(tail)
    return records


async def read_tail(log: LogReader, count: int, after: Cursor | None = None, timeout: float = TIMEOUT) -> list[Stored]:
    """Return the first records of a new tail, at least `count`."""
    return await next_records(log.tail(after), count, timeout)


async def run_event_loop(iterations: int) -> None:
    """Let all other tasks run for so many iterations of the event loop."""
    for _ in range(iterations):
        await asyncio.sleep(0)


def own_threads() -> set[threading.Thread]:
    """Return all threads but those of the event loop's own pool, which end with the loop."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


@contextmanager
def no_tasks_or_threads_left() -> Iterator[None]:
    """Assert that the block ends all tasks and threads that it starts."""
    tasks, threads = asyncio.all_tasks(), own_threads()
    yield
    tasks = asyncio.all_tasks() - tasks
    # A thread may need a moment to end.
    for thread in own_threads() - threads:
        thread.join(TIMEOUT)

    assert not tasks
    assert own_threads() <= threads
