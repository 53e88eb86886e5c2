"""A room kept in a file from one run to the next, so that a long log need not be read again from its first record.

It is thrown away where anything about it is in doubt, and may be removed at any time: what counts is the log.
"""

import asyncio
from pathlib import Path
from typing import Final

import structlog

from chatr.domain.room import Room
from chatr.kept import Foreign, Kept, decode, encode, keep
from chatr.ports import LogReader
from chatr.whole_file import replaced_file, sweep

EVERY: Final = 100_000
"""Records between two checkpoints while the room is open."""

log = structlog.get_logger()


class Checkpoint:
    """The file at `path`; without one, nothing is kept."""

    def __init__(self, path: Path | None, *, every: int = EVERY) -> None:
        self._path = path
        self._every = every
        self._position = 0
        self._writing: asyncio.Task[None] | None = None

    async def load(self, event_log: LogReader) -> Room:
        """The room that was kept of this log, or an empty one."""
        if self._path is None:
            return Room()
        try:
            sweep(self._path)
            room = decode(await asyncio.to_thread(self._path.read_bytes))
            await belongs(room, event_log)
        except FileNotFoundError:
            return Room()
        except (Foreign, OSError) as error:
            log.warning("checkpoint_discarded", reason=str(error))
            return Room()
        self._position = room.position
        return room

    def folded(self, room: Room) -> None:
        """Write the room down if much has happened since that was last done."""
        writing = self._writing is not None and not self._writing.done()
        if abs(room.position - self._position) >= self._every and not writing:
            self._writing = asyncio.create_task(self._write(room))

    async def close(self, room: Room) -> None:
        """Write the room down, unless nothing has happened since that was last done."""
        if self._writing is not None:
            await self._writing
        if room.position != self._position:
            await self._write(room)

    async def _write(self, room: Room) -> None:
        if self._path is None:
            return
        self._position = room.position
        try:
            await asyncio.to_thread(write, self._path, keep(room))
        except OSError as error:
            log.warning("checkpoint_not_written", reason=str(error))


def write(path: Path, kept: Kept) -> None:
    with replaced_file(path) as partial:
        partial.write_bytes(encode(kept))


async def belongs(room: Room, event_log: LogReader) -> None:
    """Is this a room of that log? Raises Foreign: the log may be another one, or have been restored or replaced."""
    first, last = await event_log.read(0, 1), await event_log.read(room.position - 1, 1)
    if [each.id for each in first] != [room.log_id]:
        raise Foreign("it is of another log")
    if [each.cursor for each in last] != [room.cursor]:
        raise Foreign(f"the log does not hold {room.cursor}")
