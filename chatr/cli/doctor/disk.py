"""Checks the disk of a SQLite log: its file system, and how long its free space lasts."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.files import beside, side_file_size
from chatr.adapters.stores.sqlite.lock import why_not_alone
from chatr.adapters.stores.sqlite.mounts import MOUNTS, mounts_in
from chatr.cli.doctor.check import Check, ok, problem, warning
from chatr.cli.output.text import counted
from chatr.domain.limits import HOUR
from chatr.ports import LogReader

SPACE: Final = "disk space"
FILE_SYSTEM: Final = "file system"
NAMES: Final = "file names"
WEEK: Final = 7 * 24 * HOUR
MEGABYTE: Final = 1_000_000
LEAST_FREE: Final = 100 * MEGABYTE
"""Bytes. With less, checkpoints and the write-ahead file may fill the disk at any moment."""
FEW_DAYS: Final = 30
MAKE_ROOM: Final = "Make room, or move the log to a larger disk."

NETWORK: Final = frozenset("9p afs ceph cifs fuse.glusterfs fuse.sshfs glusterfs lustre nfs nfs4 smb3 smbfs".split())
MEMORY: Final = frozenset("ramfs tmpfs".split())
WITHOUT_RIGHTS: Final = frozenset("exfat fuseblk msdos ntfs ntfs3 vfat".split())
MOVE: Final = "Stop the server, and move the log with all files beside it to a local disk."


def check_names(log: Path) -> Iterator[Check]:
    """Yield whether the file of the log has other names, or is mounted without its folder."""
    if reason := why_not_alone(log):
        found, remedy = reason.split(". ")
        yield problem(NAMES, f"The log has other names: {found}.", remedy)


def check_file_system(log: Path) -> Iterator[Check]:
    """Yield whether the log is on a file system that keeps it. Only Linux has the list of mounts."""
    with suppress(OSError):
        kind = file_system_of(Path(os.path.realpath(log)), MOUNTS.read_text("utf-8", "surrogateescape"))
        if kind in NETWORK:
            yield problem(FILE_SYSTEM, f"The log is on {kind}, where SQLite's locks and shared memory fail.", MOVE)
        elif kind in MEMORY:
            yield problem(FILE_SYSTEM, f"The log is on {kind}, in memory, and is lost when this machine stops.", MOVE)
        elif kind in WITHOUT_RIGHTS:
            found = f"The log is on {kind}, which keeps no rights of files, so that every user may read it."
            yield warning(FILE_SYSTEM, found, "Mount it with umask=077 and the server's uid, or move the log.")
        elif kind == "overlay":
            found = "The log is in a container and not in a volume, so it is deleted together with the container."
            yield problem(FILE_SYSTEM, found, "Mount a volume at the folder of the log.")
        else:
            yield ok(FILE_SYSTEM, f"The log is on {kind}.")


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that `path` is on, from the text of /proc/self/mountinfo."""
    # Of several at one point, the last one hides the others.
    inside = [
        (len(point.parts), number, kind)
        for number, (point, kind) in enumerate(mounts_in(mounts))
        if path.is_relative_to(point)
    ]
    return max(inside)[2] if inside else "an unknown file system"


async def check_space(log_file: Path, log: LogReader, now: int) -> Check:
    """Compare the free space with what the log grew in the last week. `now` is in milliseconds since 1970.

    Raises OSError or LogUnavailable.
    """
    disk = os.statvfs(beside(log_file, "").parent)
    free, size = disk.f_bavail * disk.f_frsize, side_file_size(log_file, "") + side_file_size(log_file, "-wal")
    head = await log.head()
    recent = head - await last_position_before(log, head, now - WEEK)
    return judged_space(free, size, round(size * recent / max(head, 1) / 7))


def judged_space(free: int, size: int, daily: int) -> Check:
    """Return how long `free` bytes last for a log of `size` bytes that grows by `daily` bytes a day."""
    days = free // daily if daily else None
    found = (
        f"{free // MEGABYTE:,} MB are free, the log has {size // MEGABYTE:,} MB and grew {daily // MEGABYTE:,} MB a day"
    )
    if free < LEAST_FREE or (days is not None and days < 2):
        return problem(SPACE, f"{found}.", MAKE_ROOM)
    if days is not None and days < FEW_DAYS:
        return warning(SPACE, f"{found}: that lasts for {counted(days, 'day')}.", MAKE_ROOM)
    if free < size:
        return warning(SPACE, f"{found}: there is no room for a backup on this disk.", MAKE_ROOM)
    return ok(SPACE, f"{found}.")


async def last_position_before(log: LogReader, head: int, time: int) -> int:
    """Return about the last position, up to `head`, whose record is older than `time`. Raises LogUnavailable."""
    # A binary search, though times are only nearly sorted: an estimate of the growth need not be exact.
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        batch = await log.read(middle - 1, 1)
        low, high = (middle, high) if batch and batch[0].at < time else (low, middle - 1)
    return low
