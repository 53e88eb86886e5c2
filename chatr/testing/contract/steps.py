"""What the tests of the contract do again and again."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final
from uuid import uuid4

from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, EventLog, LogReader, Stored

PATIENCE: Final = 10.0
"""Seconds after which something that should have happened has not."""

OpenLog = Callable[[], AbstractAsyncContextManager[EventLog]]
"""Opens an instance of the log; every call within one test means the same store."""


def draft(stream: str | None = None, *, data: str = "{}", record_id: str | None = None) -> Draft:
    """A draft that differs from all others, in a stream of its own unless one is named."""
    record_id = record_id or str(uuid4())
    return Draft(record_id, stream or f"agent/{record_id}", "noted.v1", 1_700_000_000_000, 0, data)


async def fill(log: EventLog, count: int) -> list[Stored]:
    """Append so many records at once, each in a stream of its own."""
    return await asyncio.gather(*(log.append(draft(), expected=0) for _ in range(count)))


async def chain(log: EventLog, stream: str, count: int, expected: int = 0) -> list[Stored]:
    """Append so many records to one stream, each after the one before it."""
    stored: list[Stored] = []
    for _ in range(count):
        stored.append(await log.append(draft(stream), expected=stored[-1].position if stored else expected))
    return stored


async def unless_conflict(log: EventLog, draft: Draft, expected: int) -> Stored | None:
    try:
        return await log.append(draft, expected=expected)
    except Conflict:
        return None


async def everything(log: LogReader) -> list[Stored]:
    """The whole log, page by page."""
    found: list[Stored] = []
    while page := await log.read(len(found), 1_000):
        found += page
    return found


async def upcoming(tail: AsyncIterator[list[Stored]], count: int, patience: float = PATIENCE) -> list[Stored]:
    """The next records of a tail, at least so many."""
    found: list[Stored] = []
    async with asyncio.timeout(patience):
        while len(found) < count:
            found += await anext(tail)
    return found


async def followed(log: LogReader, count: int, after: Cursor | None = None, patience: float = PATIENCE) -> list[Stored]:
    """What a new tail gives first, at least so many records."""
    return await upcoming(log.tail(after), count, patience)


async def turns(count: int) -> None:
    """Let everything else in the event loop run so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


@contextmanager
def nothing_left() -> Iterator[None]:
    """What happens inside ends the tasks and threads that it starts; a thread may take a moment to end."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    yield
    tasks = asyncio.all_tasks() - tasks
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)

    assert not tasks
    assert set(threading.enumerate()) <= threads
