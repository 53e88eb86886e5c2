"""The head file beside a SQLite log, which says how far the log had got, so that lost records are noticed at a start.

SQLite opens a log whose -wal file was removed, and an older copy in its place, without any error.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec
import structlog
from attrs import frozen

from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.form import is_emptied
from chatr.adapters.stores.sqlite.readable import BUSY_TIMEOUT, Readable, readable_database
from chatr.atomic_file import flush_to_disk
from chatr.ports import LogLostRecords, Stored
from chatr.regular_file import check_owner, give_to_owner_of, open_regular, open_to_read

LONGEST_LINE: Final = 1_000
"""Bytes of a head file that are read. It has about a hundred."""

logger = structlog.get_logger()


class HeadLine(msgspec.Struct):
    """The line of a head file. `crc32` is that of position and id, joined by a space."""

    position: int
    id: str
    crc32: int


@frozen
class HeadFile:
    """The file at `path`. It never names a record that is not on the disk. It is up to a second behind after a kill,
    and may be older after a power failure or a failed write.
    """

    path: Path

    def read(self) -> HeadLine:
        """Return the line. Raises OSError or, if it is damaged, ValueError."""
        with open_to_read(self.path) as file:
            check_owner(self.path, os.fstat(file.fileno()))
            line = msgspec.json.decode(file.readline(LONGEST_LINE), type=HeadLine)
        if line.crc32 != checksum(line.position, line.id):
            raise ValueError("its checksum is wrong")
        return line

    def read_or_none(self) -> HeadLine | None:
        """Return the line, or None if there is none that can be read; a log line says so unless it is missing."""
        try:
            return self.read()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            # A power failure may have damaged it. Then nothing is known, which is no reason to refuse the log.
            logger.warning("head_file_ignored", reason=str(error))
            return None

    def write(self, last: Stored, *, flush: bool) -> None:
        """Name `last`, which must be on the disk, as the last record. What fails is logged: no post depends on it."""
        line = HeadLine(last.position, last.id, checksum(last.position, last.id))
        try:
            descriptor = open_regular(self.path, os.O_WRONLY | os.O_CREAT)
            try:
                give_to_owner_of(self.path.with_suffix(""), descriptor)
                # In place: so short a line lies in one sector of the disk, and is written completely or not at all.
                os.pwrite(descriptor, msgspec.json.encode(line) + b"\n", 0)
            finally:
                os.close(descriptor)
            if flush:
                flush_to_disk(self.path)
                flush_to_disk(self.path.parent)
        except OSError as error:
            logger.warning("head_file_not_written", reason=str(error))


def checksum(position: int, record_id: str) -> int:
    """Return the checksum of a head."""
    return crc32(f"{position} {record_id}".encode())


def check_nothing_lost(path: Path, *, accept_loss: bool = False) -> None:
    """Raise LogLostRecords if the log at `path` lacks records that its head file knows, or that its -wal file holds.

    With `accept_loss` that is only logged, and the head file removed. Raises OSError or sqlite3.Error.
    """
    head_file = HeadFile(beside(path, ".head"))
    loss = description_of_loss(path, head_file.read_or_none())
    if loss and not accept_loss:
        raise LogLostRecords(loss)
    if loss:
        logger.warning("loss_accepted", loss=loss)
        head_file.path.unlink(missing_ok=True)


def description_of_loss(
    path: Path,
    head: HeadLine | None,
    readable: Callable[[Path], AbstractContextManager[Readable]] = readable_database,
) -> str | None:
    """Return a sentence about the records that the log lacks, or None if it holds the record that `head` names.

    `readable` says where SQLite can read the log. Raises OSError or sqlite3.Error.
    """
    if not path.exists() or not path.stat().st_size:
        if head:
            return f"The log at {path} is missing or empty, and had {head.position} records."
        if is_emptied(path):
            # The records of a young room are only there.
            return f"The log at {path} is missing or empty, and its -wal file is not."
        return None
    if head is None:
        return None
    last, record_id = last_position_and_id_at(path, head.position, readable)
    if last < head.position:
        return (
            f"The log at {path} ends at record {last}, and had {head.position}: "
            "its -wal file was removed or cut off, or an older copy was put in its place."
        )
    if record_id != head.id:
        return f"The log at {path} has another record {head.position} than before: another log was put in its place."
    return None


def last_position_and_id_at(
    path: Path, position: int, readable: Callable[[Path], AbstractContextManager[Readable]] = readable_database
) -> tuple[int, str | None]:
    """Return the last position in the log, and the id of the record at `position`. Raises sqlite3.Error."""
    # Only reading: a connection that may write would put pages of a -wal file into whatever file lies beside it.
    with (
        readable(path) as database,
        closing(sqlite3.connect(database.address, uri=True, timeout=BUSY_TIMEOUT)) as db,
    ):
        # If the -wal file was lost before SQLite first copied it into the main file, there is not even a table.
        if not db.execute("select 1 from sqlite_master where name = 'log'").fetchone():
            return 0, None
        ((last,),) = db.execute("select coalesce(max(position), 0) from log")
        record_id = db.execute("select id from log where position = ?", (position,)).fetchone()
    return last, record_id and record_id[0]
