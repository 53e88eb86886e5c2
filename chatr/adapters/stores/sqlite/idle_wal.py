"""Empties a long -wal file also when nobody appends. SQLite shortens it to LARGEST_IDLE_WAL only when it appends."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiosqlite

from chatr.adapters.stores.sqlite.connection import LARGEST_IDLE_WAL, run_in_thread
from chatr.adapters.stores.sqlite.erasing import empty_write_ahead_file
from chatr.adapters.stores.sqlite.files import side_file_size

INTERVAL: Final = 1.0
"""Seconds between two looks at the size of the file."""


async def empty_when_long(writer: aiosqlite.Connection, path: Path) -> None:
    """Empty the -wal file of the log at `path` whenever it is long and no reader needs it. Never returns."""
    while True:
        await asyncio.sleep(INTERVAL)
        if side_file_size(path, "-wal") > LARGEST_IDLE_WAL:
            # The disk may be full, or a failed commit not rolled back yet. Then it is tried again after INTERVAL.
            with suppress(sqlite3.Error):
                await run_in_thread(writer, empty_write_ahead_file)
