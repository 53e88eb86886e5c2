"""Append to the log at argv[1] until this process is ended, and print each append before and after it."""

import asyncio
import sys
from uuid import uuid4

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.ports import EventLog
from chatr.testing.contract.steps import new_draft


def report(*words: object) -> None:
    """Print a line at once, so that nothing is lost when this process is killed."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def write(log: EventLog, stream: str) -> None:
    """Append to one stream for ever."""
    expected = 0
    while True:
        draft = new_draft(stream)
        report("started", draft.id, stream, expected)
        expected = (await log.append(draft, expected=expected)).position
        report("stored", draft.id, stream, expected)


async def main() -> None:
    """Append to eight streams concurrently."""
    async with sqlite_log(sys.argv[1]) as log:
        await asyncio.gather(*(write(log, f"agent/{uuid4()}") for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main())
