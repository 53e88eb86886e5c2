"""A copy of a SQLite log, taken beside the process that writes it."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Final

import aiosqlite

from chatr.adapters import sqlite_file as file
from chatr.past import Progress
from chatr.ports import Unusable

PAGES: Final = 1_000
"""Pages that are copied between two words about progress."""


async def backup(source: Path, target: Path, progress: Progress) -> int:
    """Copy the log as it is at this moment, and say at which position. Raises Unusable."""
    async with AsyncExitStack() as stack:
        copy = stack.enter_context(closing(sqlite3.connect(target, check_same_thread=False)))
        with file.usable(source):
            reader = await stack.enter_async_context(file.reader(source))
            position = await hold(reader)
        try:
            await fill(copy, reader, lambda share: progress(int(share * position)))
            copy.execute("pragma journal_mode = delete")  # so that the copy is one file
        except sqlite3.Error as error:
            raise Unusable(f"The log at {source} cannot be copied: {error}.") from error
    return position


async def hold(reader: aiosqlite.Connection) -> int:
    """Keep the log as it is now for this reader: else SQLite begins anew after every commit of the writer."""
    await reader.execute("begin")
    ((position,),) = await reader.execute_fetchall("select coalesce(max(position), 0) from log")
    return int(position)


async def fill(copy: sqlite3.Connection, reader: aiosqlite.Connection, reached: Callable[[float], object]) -> None:
    """What is interrupted stops after some pages; SQLite's thread would otherwise copy on, and be waited for."""
    stopped = threading.Event()

    def step(_status: int, left: int, pages: int) -> None:
        if stopped.is_set():
            raise sqlite3.OperationalError("interrupted")
        reached(1 - left / pages)

    try:
        await reader.backup(copy, pages=PAGES, progress=step, sleep=0)
    finally:
        stopped.set()
