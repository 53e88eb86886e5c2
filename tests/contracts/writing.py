"""Append to the log at argv[1] until somebody ends this process, telling what is asked and what has landed."""

import asyncio
import sys
from uuid import uuid4

from chatr.adapters.sqlite import sqlite_log
from chatr.ports import EventLog
from chatr.testing.contract.steps import draft


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def write(log: EventLog, stream: str) -> None:
    expected = 0
    while True:
        asked = draft(stream)
        tell("asked", asked.id, stream, expected)
        expected = (await log.append(asked, expected=expected)).position
        tell("landed", asked.id, stream, expected)


async def main() -> None:
    async with sqlite_log(sys.argv[1]) as log:
        await asyncio.gather(*(write(log, f"agent/{uuid4()}") for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main())
