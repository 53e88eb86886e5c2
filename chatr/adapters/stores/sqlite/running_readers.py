"""Waits for processes that are in the middle of reading a SQLite log, as a backup is, and says which they are."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

READ_LOCKS: Final = range(123, 128)
"""Bytes of a -shm file, one of which a connection locks while it has a read transaction (SQLite's wal.c)."""
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 1.0
"""Seconds between two attempts to remove copies, while somebody reads the file: this process for some milliseconds, a
backup for minutes. The pause is doubled each time.
"""
SHORTEST_REPORTED_PAUSE: Final = 0.16
"""Seconds. Reports begin with the first pause as long as this: the node's own reads end sooner, and are no news."""


async def repeat_while_read(
    remove: Callable[[], Awaitable[bool]], shm: Path, report: Callable[[str], object] | None
) -> None:
    """Call `remove` until it returns True. It returns False while somebody reads the log, and `report` says who."""
    pause = FIRST_PAUSE
    while not await remove():
        if report and pause >= SHORTEST_REPORTED_PAUSE:
            report(description_of_readers(shm))
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def description_of_readers(shm: Path) -> str:
    """Return a sentence about the processes that read the log to which `shm`, its -shm file, belongs."""
    processes = set(reading_processes(shm))
    # Linux calls processes 0 that are outside of this one's container.
    ids = ", ".join(map(str, sorted(processes - {0})))
    count = len(processes) or "an unknown number of"
    return f"The text is still readable for {count} running reader(s){ids and f', process {ids}'}."


def reading_processes(shm: Path) -> Iterator[int]:
    """Yield the ids of the processes that have a read transaction. Linux; none where this is not known."""
    # The file must not be opened to ask for its locks: closing it would release all those of this process.
    try:
        inode, locks = shm.stat().st_ino, Path("/proc/locks").read_text("ascii")
    except OSError:
        return
    for line in locks.splitlines():
        # 1: POSIX  ADVISORY  READ 4711 fe:00:2237397 124 124
        _, kind, _, _, process, file, first, _ = line.replace("->", "").split()
        if kind == "POSIX" and file.endswith(f":{inode}") and int(first) in READ_LOCKS:
            yield int(process)
