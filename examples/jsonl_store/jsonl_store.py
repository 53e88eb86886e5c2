"""A store for chatr: a file with one JSON object per line, for `chatr serve --log jsonl:///FILE`.

It is written to be read, and for small rooms: all records are in memory, and the event loop waits for each flush.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import asdict, evolve

from chatr.domain.events import Cursor
from chatr.log_store import LogStore
from chatr.ports import CannotOpenLog, Conflict, Draft, LogChanged, LogUnavailable, Stored

POLL_INTERVAL: Final = 0.1
"""Seconds between two looks at a file to which another process appends."""
BATCH: Final = 1_000
"""The most records in one batch of a tail."""


def lines_of(records: Iterable[Stored]) -> bytes:
    """Return the lines of records."""
    # json escapes everything but ASCII, also text that was altered by hand and has no UTF-8.
    return b"".join(
        json.dumps(asdict(each, recurse=False) | {"record_hash": each.record_hash.hex()}).encode() + b"\n"
        for each in records
    )


def record_of(line: bytes) -> Stored:
    """Return the record in a line."""
    fields = json.loads(line)
    return Stored(**fields | {"record_hash": bytes.fromhex(fields["record_hash"])})


class JsonlReader:
    """Implements `chatr.ports.LogReader`. Another process may append to the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._records: list[Stored] = []

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _refresh(self) -> None:
        """Read the lines that were appended. Raises LogUnavailable."""
        try:
            if not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                # Texts were erased, for which the file is written anew.
                self._file.close()
                self._file, self._records = self._path.open("rb"), []
            while (line := self._file.readline()).endswith(b"\n"):
                self._records.append(record_of(line))
            # A line without an end is being written.
            self._file.seek(-len(line), os.SEEK_CUR)
        except (OSError, ValueError) as error:
            raise LogUnavailable(f"{self._path} cannot be read: {error}") from error

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`."""
        self._refresh()
        return self._records[after : after + limit]

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order."""
        self._refresh()
        return [self._records[position - 1] for position in positions]

    async def head(self) -> int:
        """Return the last position."""
        self._refresh()
        return len(self._records)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield all records after `after`, in batches, for ever. Raises LogChanged."""
        position = after.position if after else 0
        with suppress(LogUnavailable):
            self._refresh()
        if after and [each.cursor for each in self._records[max(position - 1, 0) : position]] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while True:
            # Taken before reading, so that no append between the two is missed.
            change = self._next_change()
            with suppress(LogUnavailable):
                self._refresh()
            if batch := self._records[position : position + BATCH]:
                position = batch[-1].position
                yield batch
            else:
                await change()

    def _next_change(self) -> Callable[[], Awaitable[object]]:
        """Return a function that waits until records may have been appended since this call."""
        return lambda: asyncio.sleep(POLL_INTERVAL)


class JsonlLog(JsonlReader):
    """Implements `chatr.ports.EventLog`, for the only process that writes to the file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        super()._refresh()
        # A process that was killed may have left a part of a line, which nobody was told is stored.
        os.truncate(path, self._file.tell())
        self._out = path.open("ab", buffering=0)
        self._ends: dict[str, int] = {}
        self._successors: dict[tuple[str, int], int] = {}
        self._appended = asyncio.Event()
        self._index(self._records)

    def _index(self, records: Iterable[Stored]) -> None:
        """Note the last position of each stream, and for each record the next one in its stream."""
        for each in records:
            self._ends[each.stream] = self._successors[each.stream, each.previous] = each.position

    def close(self) -> None:
        """Close the files; nothing can be read or stored any longer."""
        super().close()
        self._out.close()

    def _refresh(self) -> None:
        """Raise LogUnavailable if the log is closed. Nothing is read: memory has all that this process has stored."""
        if self._out.closed:
            raise LogUnavailable("the log is closed")

    def _next_change(self) -> Callable[[], Awaitable[object]]:
        return self._appended.wait

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`. Raises Conflict or LogUnavailable."""
        record_hash, successor = draft.record_hash_after(expected), self._successors.get((draft.stream, expected))
        # Compared by the hash, because the text may be erased.
        if successor and self._records[successor - 1].record_hash == record_hash:
            return draft.at_position(successor, expected, record_hash)
        if self._ends.get(draft.stream, 0) != expected:
            raise Conflict(successor)
        stored = draft.at_position(len(self._records) + 1, expected, record_hash)
        self._write([stored])
        return stored

    def _write(self, records: Sequence[Stored]) -> None:
        """Append records to the file and to memory. Raises LogUnavailable."""
        # Nothing is awaited, so an append that is cancelled is stored completely or not at all.
        self._refresh()
        lines, end = lines_of(records), os.fstat(self._out.fileno()).st_size
        try:
            if self._out.write(lines) < len(lines):
                raise OSError("the disk is full")
            os.fsync(self._out.fileno())
        except OSError as error:
            self._out.truncate(end)
            raise LogUnavailable(f"{self._path} cannot be written: {error}") from error
        self._records += records
        self._index(records)
        self._appended.set()
        self._appended = asyncio.Event()

    async def restore(self, records: Sequence[Stored]) -> None:
        """Append records as they are, except those that are there. Raises Conflict or LogUnavailable."""
        for each in records:
            if each.position == len(self._records) + 1 and self._ends.get(each.stream, 0) == each.previous:
                self._write([each])
            elif [each] != self._records[max(each.position - 1, 0) : each.position]:
                raise Conflict(each.position)

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:  # noqa: ARG002 -- nothing to wait for
        """Write the file anew, without the texts of these records. Raises LogUnavailable."""
        self._refresh()
        if positions and not 0 < min(positions) <= max(positions) <= len(self._records):
            raise LogUnavailable("the log does not hold all records that are to be erased")
        erased = set(positions)
        records = [evolve(each, data="") if each.position in erased else each for each in self._records]
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(lines_of(records))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            flush_folder(self._path.parent)
            out = self._path.open("ab", buffering=0)
        except OSError as error:
            raise LogUnavailable(f"{self._path} cannot be written: {error}") from error
        self._out.close()
        self._out, self._records = out, records


def flush_folder(folder: Path) -> None:
    """Flush the names of files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def path_of(url: str) -> Path:
    """Return the file that a URL names. Raises CannotOpenLog."""
    _, separator, path = url.partition("jsonl:///")
    if not separator or not path.strip("/"):
        raise CannotOpenLog("--log must be jsonl:///FILE (jsonl:////FILE for an absolute path).")
    return Path(path)


@contextmanager
def errors_as_cannot_open(path: Path) -> Iterator[None]:
    """Raise errors of the file system and of the content as CannotOpenLog, in one sentence."""
    try:
        yield
    except BlockingIOError as error:
        raise CannotOpenLog(f"Another process writes to {path}: stop it, or use another file.") from error
    except (OSError, LogUnavailable) as error:
        raise CannotOpenLog(f"{path} cannot be opened: {error}.") from error


@asynccontextmanager
async def open_log(url: str) -> AsyncIterator[JsonlLog]:
    """Open a log, which is created if there is none. Raises CannotOpenLog."""
    path = path_of(url)
    with errors_as_cannot_open(path):
        lock = path.with_name(f"{path.name}.lock").open("w")
    with lock:
        with errors_as_cannot_open(path):
            # The kernel releases the lock when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.touch(mode=0o600)
            log = JsonlLog(path)
        try:
            yield log
        finally:
            log.close()


@asynccontextmanager
async def open_current_log(url: str) -> AsyncIterator[JsonlLog]:
    """Open a log that exists. Raises CannotOpenLog."""
    if not path_of(url).exists():
        raise CannotOpenLog(f"There is no log at {path_of(url)}: chatr serve makes one.")
    async with open_log(url) as log:
        yield log


@asynccontextmanager
async def open_reader(url: str) -> AsyncIterator[JsonlReader]:
    """Open a log that exists, for reading beside the process that writes to it. Raises CannotOpenLog."""
    with errors_as_cannot_open(path_of(url)):
        reader = JsonlReader(path_of(url))
    try:
        yield reader
    finally:
        reader.close()


store: Final = LogStore(
    open_log=open_log, open_reader=open_reader, open_current_log=open_current_log, path_beside=path_of
)
