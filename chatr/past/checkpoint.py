"""A checkpoint: a snapshot in a file, so that a start need not read a long log from its first record.

A checkpoint that is damaged, of another version or of another log is ignored. It may be deleted at any time: only the
log counts.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from chatr.atomic_file import remove_partial_files, replace_atomically
from chatr.domain.events import Record
from chatr.domain.room import Room
from chatr.past.snapshot import InvalidSnapshot, Snapshot, read_snapshot, take_snapshot, write_snapshot
from chatr.ports import LogReader
from chatr.regular_file import open_to_read

RECORDS_BETWEEN: Final = 100_000
"""Records between two checkpoints while the room is open. About so many are read again after a crash."""

logger = structlog.get_logger()


class Checkpoint:
    """The checkpoint file at `path`, written every so many records and at the end. Without a path nothing is written.

    Fulfils `chatr.node.follower.Listener`.
    """

    def __init__(self, path: Path | None, *, every: int = RECORDS_BETWEEN) -> None:
        """`every`: records between two checkpoints while the room is open."""
        self._path = path
        self._every = every
        self._position = 0
        self._writing: asyncio.Task[None] | None = None

    async def load(self, event_log: LogReader) -> Room:
        """The room of the file, or an empty one if there is no valid checkpoint of `event_log`.

        Raises LogUnavailable.
        """
        if self._path is None:
            return Room()
        try:
            # A process that was killed while it wrote leaves a file as large as the checkpoint itself.
            remove_partial_files(self._path)
            room = await asyncio.to_thread(read_checkpoint_file, self._path)
            await check_belongs_to_log(room, event_log)
        except FileNotFoundError:
            return Room()
        except (InvalidSnapshot, OSError) as error:
            logger.warning("checkpoint_discarded", reason=str(error))
            return Room()
        self._position = room.position
        return room

    def records_folded(self, room: Room, _records: Sequence[Record]) -> None:
        """Start writing a checkpoint if enough records were folded since the last one."""
        writing = self._writing is not None and not self._writing.done()
        # A checkpoint costs as much as the room has agents and messages. So it is written more rarely in a large room:
        # else a start without a checkpoint would take twice the time, because one is written again and again.
        every = max(self._every, len(room.agents), room.position // 10)
        # The absolute difference, because a log that replaced another may be shorter.
        if abs(room.position - self._position) >= every and not writing:
            self._writing = asyncio.create_task(self._write(room))

    def room_replaced(self, room: Room) -> None:
        """Count the records from the position of the new log."""
        self.records_folded(room, ())

    async def close(self, room: Room) -> None:
        """Write a last checkpoint, unless `room` is at the position of the one before."""
        if self._writing is not None:
            await self._writing
        if room.position != self._position:
            await self._write(room)

    async def _write(self, room: Room) -> None:
        """Write the room to the file. A file that cannot be written is logged, because the room does not need it."""
        if self._path is None:
            return
        self._position = room.position
        try:
            # The snapshot is taken here, in the loop; encoding and flushing are slow and happen in a thread.
            await asyncio.to_thread(write_checkpoint_file, self._path, take_snapshot(room))
        except OSError as error:
            logger.warning("checkpoint_not_written", reason=str(error))


def write_checkpoint_file(path: Path, snapshot: Snapshot) -> None:
    """Replace the file at `path` by `snapshot`, completely or not at all. Raises OSError."""
    with replace_atomically(path) as partial, partial.open("wb") as file:
        write_snapshot(snapshot, file)


def read_checkpoint_file(path: Path) -> Room:
    """The room of the file at `path`. Raises InvalidSnapshot or OSError."""
    with open_to_read(path) as file:
        return read_snapshot(file)


async def check_belongs_to_log(room: Room, event_log: LogReader) -> None:
    """Raises InvalidSnapshot unless the log holds the first and the last record of `room`.

    The log may be another one, or may have been restored to an earlier state or replaced. Raises LogUnavailable.
    """
    first, last = await event_log.read(0, 1), await event_log.read(room.position - 1, 1)
    if [each.id for each in first] != [room.log_id]:
        raise InvalidSnapshot("it is of another log")
    if [each.cursor for each in last] != [room.cursor]:
        raise InvalidSnapshot(f"the log does not hold {room.cursor}")
