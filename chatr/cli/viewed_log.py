"""The log that chatr view shows: finds its URL, reads it with a progress bar, and checks an export's last line."""

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
"""The first bytes of every SQLite database (https://www.sqlite.org/fileformat2.html)."""
FILE_CHANGED: Final = (
    "The file was changed: its records do not lead to the head in its last line. What is shown is not what was "
    "exported. chatr audit --log {file} looks at each record."
)


def log_url(text: str | Secret) -> Secret:
    """Return the URL of a log: `text`, or the URL of the SQLite file whose path `text` is."""
    url = secret_url(text)
    path = Path(url.reveal())
    if url.reveal() != "-" and is_exported_file(url) and begins_as_sqlite(path):
        return secret_url(f"sqlite:///{path.absolute()}")
    return url


def begins_as_sqlite(path: Path) -> bool:
    """Return whether a file begins like a SQLite database; False if it cannot be read."""
    with suppress(OSError), open_to_read(path) as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    return False


@frozen
class LogWithProgress(ReadOnlyLog):
    """A read-only log that calls `show` after each batch that is read: with the batch's last position and the log's,
    which is None while it is unknown.
    """

    show: Callable[[int, int | None], object]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`."""
        # A store knows its last position. An export's is known when its file has been indexed in the background.
        export = self.reader if isinstance(self.reader, IndexedExport) else None
        end = None if export else await self.reader.head()
        async for batch in self.reader.tail(after):
            self.show(batch[-1].position, export.known_head if export else end)
            yield batch


async def mismatch_warning(log: LogReader, room: Room, name: str) -> str | None:
    """Return a warning if the folded records of an exported file do not match the chain hash in its last line."""
    if isinstance(log, IndexedExport) and await log.closing() != room.chain_point:
        return FILE_CHANGED.format(file=name)
    return None


async def time_of_moment(log: LogReader, moment: Moment) -> int:
    """Return the time of a position or timestamp in milliseconds since 1970. Raises NoSuchMoment or LogUnavailable."""
    first = await log.read(0, 1)
    is_too_early = moment == 0 or (isinstance(moment, Timestamp) and (not first or moment.at < first[0].at))
    if is_too_early:
        raise NoSuchMoment(TOO_EARLY)
    if isinstance(moment, Timestamp):
        return moment.at
    return await time_of(log, check_position(await log.head(), moment))
