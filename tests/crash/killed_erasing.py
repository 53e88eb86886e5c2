"""Erase the records of the log at argv[1], and kill this process before SQLite's call number argv[2] for it."""

import asyncio
import os
import signal
import sqlite3
import sys
from itertools import count
from typing import Any

from chatr.adapters.stores.sqlite.log import sqlite_log


async def main(path: str, last_call: int) -> None:
    """Erase all records; print "erased" if there are fewer calls."""
    calls, armed = count(1), asyncio.Event()

    def call() -> None:
        if armed.is_set() and next(calls) == last_call:
            os.kill(os.getpid(), signal.SIGKILL)

    class KilledConnection(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            call()
            return super().execute(*arguments)

        def commit(self) -> None:
            call()
            super().commit()

    async with sqlite_log(path, factory=KilledConnection) as log:
        positions = range(1, await log.head() + 1)
        armed.set()
        await log.erase(positions)
        sys.stdout.write("erased\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
