"""A checkpoint: a snapshot in a file, so that a start need not read a long log from its first record.

A checkpoint that is damaged or of another version is ignored. It may be deleted at any time: only the log counts. While
it is there it also shows whether the log lost records, because all that it knows were on the disk when it was written.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from chatr.atomic_file import remove_partial_files, replace_atomically
from chatr.domain.events import Record
from chatr.domain.room import Room
from chatr.past.snapshot import Snapshot, take_snapshot, write_snapshot
from chatr.past.snapshot_reading import InvalidSnapshot, read_snapshot
from chatr.ports import LogLostRecords, LogReader
from chatr.regular_file import check_owner, give_to_owner_of, open_to_read, open_to_write

RECORDS_BETWEEN: Final = 100_000
"""Records between two checkpoints while the room is open. About so many are read again after a crash."""

logger = structlog.get_logger()


class Checkpoint:
    """The checkpoint file at `path`, written every so many records and at the end. Without a path nothing is written.

    Implements `chatr.node.follower.Listener` and `chatr.node.erasing.TextFile`.
    """

    def __init__(self, path: Path | None, *, every: int = RECORDS_BETWEEN) -> None:
        """`every`: records between two checkpoints while the room is open."""
        self._path = path
        self._every = every
        self._position = 0
        self._writing: asyncio.Task[None] | None = None
        # One write after the other, or an older state could replace a newer one.
        self._write_lock = asyncio.Lock()
        self._holds_erased_texts = False

    async def load(self, event_log: LogReader, *, accept_loss: bool = False) -> Room:
        """The room of the file, or an empty one if there is no valid checkpoint.

        Raises LogUnavailable, or LogLostRecords if `event_log` lacks what the checkpoint knows; with `accept_loss` that
        is only logged, and the file removed.
        """
        if self._path is None:
            return Room()
        try:
            # A process that was killed while it wrote leaves a file as large as the checkpoint itself.
            remove_partial_files(self._path)
            room = await asyncio.to_thread(read_checkpoint_file, self._path)
        except FileNotFoundError:
            return Room()
        except (InvalidSnapshot, OSError) as error:
            logger.warning("checkpoint_discarded", reason=str(error))
            return Room()
        if loss := await description_of_loss(room, event_log):
            if not accept_loss:
                raise LogLostRecords(loss)
            logger.warning("loss_accepted", loss=loss)
            # At once: a process that is killed before it writes another one would leave this one for the next start.
            self._path.unlink(missing_ok=True)
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
        try:
            await self._replace(self._path, room)
        except OSError as error:
            logger.warning("checkpoint_not_written", reason=str(error))

    async def _replace(self, path: Path, room: Room) -> None:
        """Write the room to the file. Raises OSError."""
        async with self._write_lock:
            self._position = room.position
            held, self._holds_erased_texts = self._holds_erased_texts, False
            try:
                # The snapshot is taken here, in the loop; encoding and flushing are slow and happen in a thread.
                await asyncio.to_thread(write_checkpoint_file, path, take_snapshot(room))
            except BaseException:
                self._holds_erased_texts |= held
                raise

    def mark_outdated(self) -> None:
        """Remember that the file may hold texts that were erased in the room meanwhile."""
        self._holds_erased_texts = True

    async def remove_erased_texts(self, room: Room) -> None:
        """Write the file again, if it may hold texts that were erased; remove it if that fails. Raises OSError."""
        async with self._write_lock:
            # A write that had begun before the texts were erased is over.
            self._holds_erased_texts = self._holds_erased_texts and self._path is not None and self._path.is_file()
        if self._path is None or not self._holds_erased_texts:
            return
        try:
            # If the caller is cancelled, the thread goes on: the next write waits for it all the same.
            await asyncio.shield(asyncio.create_task(self._replace(self._path, room)))
        except OSError as error:
            # Only a start needs it, and that reads the log instead.
            self._path.unlink(missing_ok=True)
            self._position, self._holds_erased_texts = 0, False
            logger.warning("checkpoint_removed", reason=str(error))


async def room_of_checkpoint(path: Path | None, event_log: LogReader) -> Room:
    """The room of the file at `path`; an empty one if it cannot be used or lacks its log. Writes and removes nothing.

    Raises LogUnavailable.
    """
    if path is None:
        return Room()
    try:
        room = await asyncio.to_thread(read_checkpoint_file, path)
    except FileNotFoundError:
        return Room()
    except (InvalidSnapshot, OSError) as error:
        logger.warning("checkpoint_not_used", reason=str(error))
        return Room()
    if loss := await description_of_loss(room, event_log):
        logger.warning("checkpoint_not_used", reason=loss)
        return Room()
    return room


def write_checkpoint_file(path: Path, snapshot: Snapshot) -> None:
    """Replace the file at `path` by `snapshot`, completely or not at all. Raises OSError."""
    with replace_atomically(path) as partial, open_to_write(partial) as file:
        give_to_owner_of(path.with_suffix(""), file.fileno())
        write_snapshot(snapshot, file)


def read_checkpoint_file(path: Path) -> Room:
    """The room of the file at `path`. Raises InvalidSnapshot or OSError."""
    with open_to_read(path) as file:
        check_owner(path, os.fstat(file.fileno()))
        return read_snapshot(file)


async def description_of_loss(room: Room, event_log: LogReader) -> str | None:
    """A sentence about the records that the log lacks, or None if it holds the first and the last record of `room`.

    The log may be another one, or may have been restored to an earlier state or replaced. Raises LogUnavailable.
    """
    first, last = await event_log.read(0, 1), await event_log.read(room.position - 1, 1)
    if not last:
        end = await event_log.head()
        return (
            f"The log ends at record {end}, and its checkpoint was written at record {room.position}: "
            "its -wal file was removed or cut off, or an older copy was put in its place."
        )
    for position, stored, record_id in ((1, first, room.log_id), (room.position, last, room.last_id)):
        if [each.id for each in stored] != [record_id]:
            return f"The log has another record {position} than its checkpoint: another log was put in its place."
    return None
