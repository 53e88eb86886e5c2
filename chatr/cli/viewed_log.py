"""The log that chatr view shows: opened without a trace, and read with a progress bar."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import frozen

from chatr.adapters.stores.export.indexed import IndexedExport
from chatr.adapters.stores.urls import is_exported_file
from chatr.domain.events import Cursor
from chatr.domain.room import Room
from chatr.node.read_only_log import ReadOnlyLog
from chatr.past.replay import TOO_EARLY, Moment, NoSuchMoment, Timestamp, check_position, time_of
from chatr.ports import LogReader, Stored
from chatr.regular_file import open_to_read
from chatr.secret import Secret, secret_url

SQLITE_MAGIC: Final = b"SQLite format 3\0"
"""The first bytes of every database of SQLite (https://www.sqlite.org/fileformat2.html)."""
CHANGED: Final = (
    "The file was changed: its records do not lead to the head in its last line. What is shown is not what was "
    "exported. chatr audit --log {file} looks at each record."
)


def log_url(text: str | Secret) -> Secret:
    """Return the URL of the log that `text` names: itself, or that of a SQLite file that is given by its path."""
    url = secret_url(text)
    path = Path(url.reveal())
    if url.reveal() != "-" and is_exported_file(url) and begins_as_sqlite(path):
        return secret_url(f"sqlite:///{path.absolute()}")
    return url


def begins_as_sqlite(path: Path) -> bool:
    """Return whether a file begins as a database of SQLite; False if it cannot be read."""
    with suppress(OSError), open_to_read(path) as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    return False


@frozen
class ReadWithProgress(ReadOnlyLog):
    """A log that is only read, and calls `show` with each position that is reached, and the end or None."""

    show: Callable[[int, int | None], object]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`."""
        # A store knows its end at once; an export is read to its end meanwhile.
        export = self.reader if isinstance(self.reader, IndexedExport) else None
        end = None if export else await self.reader.head()
        async for batch in self.reader.tail(after):
            self.show(batch[-1].position, export.known_head if export else end)
            yield batch


async def warning_about(log: LogReader, room: Room, name: str) -> str | None:
    """Return a sentence if an exported file holds other records than its last line says, as they were folded."""
    if isinstance(log, IndexedExport) and await log.closing() != room.chain_point:
        return CHANGED.format(file=name)
    return None


async def time_of_moment(log: LogReader, moment: Moment) -> int:
    """Return the time of a moment of the log in milliseconds since 1970. Raises NoSuchMoment or LogUnavailable."""
    first = await log.read(0, 1)
    is_too_early = moment == 0 or (isinstance(moment, Timestamp) and (not first or moment.at < first[0].at))
    if is_too_early:
        raise NoSuchMoment(TOO_EARLY)
    if isinstance(moment, Timestamp):
        return moment.at
    return await time_of(log, check_position(await log.head(), moment))
