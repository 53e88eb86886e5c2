"""Reads a log that was exported to a file, plain or gzipped, and creates such files.

The reader's memory use does not depend on the length of the file.
"""

import asyncio
import gzip
import shutil
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from io import BufferedIOBase, BufferedRandom, BufferedReader
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, TypeVar

from chatr.adapters.stores.export.checks import STANDARD_INPUT, closing_of, record_in
from chatr.atomic_file import create_atomically, no_room_as_cannot_open
from chatr.domain.chain import ChainPoint
from chatr.domain.events import Cursor
from chatr.ports import CannotOpenLog, LogChanged, Stored
from chatr.regular_file import NotRegularFile, open_to_read

GZIP_MAGIC: Final = b"\x1f\x8b"
"""The first bytes of every gzipped file (RFC 1952, section 2.3.1)."""
LONGEST_LINE: Final = 1024 * 1024
"""Bytes. A longer line is no record: it is read in pieces, so that a file without line feeds does not fill memory."""
RECORDS_PER_OFFSET: Final = 1_000
"""Records between two lines whose offsets in the file are remembered."""
BATCH: Final = 1_000
"""The most records in one batch of a tail."""

T = TypeVar("T")


@contextmanager
def new_export(path: Path | None) -> Iterator[BufferedIOBase | BinaryIO]:
    """Create the file `path` and yield a stream for its lines, gzipped if the name ends with .gz.

    None: standard output. Raises CannotOpenLog.
    """
    if path is None:
        yield sys.stdout.buffer
        return
    with create_atomically(path) as partial, partial.open("wb") as plain:
        if path.suffix == ".gz":
            # Without file name and time in the header, the same log is exported to the same bytes.
            with gzip.GzipFile("", "wb", 6, plain, mtime=0) as compressed:
                yield compressed
        else:
            yield plain


@asynccontextmanager
async def export_reader(path: Path | None) -> AsyncIterator["ExportReader"]:
    """Open the log in the exported file at `path`, or on standard input, for reading. Raises CannotOpenLog."""
    # One thread for all reads, as they share the position in the file; decompressing would block the event loop.
    with ThreadPoolExecutor(max_workers=1) as thread, opened(path) as file:
        reader = ExportReader(ExportLines(path or STANDARD_INPUT, file), thread)
        await reader.measure()
        yield reader


@contextmanager
def errors_as_cannot_open(path: Path) -> Iterator[None]:
    """Raise an error of reading the file as CannotOpenLog, with one sentence that names it."""
    try:
        yield
    except NotRegularFile as error:
        # An export is read twice, which a pipe does not allow.
        raise CannotOpenLog(f"{error}: write the export to one first.") from error
    except (EOFError, zlib.error) as error:
        raise CannotOpenLog(f"{path} is cut off or damaged: {error}.") from error
    except OSError as error:
        raise CannotOpenLog(f"{path} cannot be read: {error.strerror or error}.") from error


@contextmanager
def opened(path: Path | None) -> Iterator[BufferedIOBase]:
    """Open the file and yield its content, decompressed if it is gzipped whatever its name. Raises CannotOpenLog."""
    with ExitStack() as stack:
        with errors_as_cannot_open(path or STANDARD_INPUT):
            plain: BufferedReader | BufferedRandom = open_to_read(path) if path else copied_input()
            stack.callback(plain.close)
            compressed = plain.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        yield gzip.GzipFile(fileobj=plain) if compressed else plain


def copied_input() -> BufferedRandom:
    """Return a temporary file with the content of standard input, which is read twice.

    Raises CannotOpenLog or OSError.
    """
    with no_room_as_cannot_open(STANDARD_INPUT), ExitStack() as stack:
        file = stack.enter_context(TemporaryFile("w+b"))
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.seek(0)
        # The caller closes it.
        stack.pop_all()
    return file


class ExportLines:
    """Reads the lines of an open export, forwards or from a remembered offset. Used by one thread at a time."""

    def __init__(self, path: Path, file: BufferedIOBase) -> None:
        self._path = path
        self._file = file
        self._lines_read = 0
        """Lines before the current position in the file."""
        self._offsets = [0]
        """Byte offsets of the lines 0, 1000, 2000 … in the decompressed content."""
        self._first = self._last = b""

    def measure(self) -> bool:
        """Read the next 1,000 lines and remember where they end; return False at the end of the file."""
        offset = self._offsets[-1]
        for _ in range(RECORDS_PER_OFFSET):
            line = self._next_line()
            if not line:
                return False
            self._first = self._first or line
            self._last = line
            offset += len(line)
        # Every thousandth line is enough to begin reading anywhere, and a long export fits into memory.
        self._offsets.append(offset)
        return True

    def _next_line(self) -> bytes:
        with errors_as_cannot_open(self._path):
            line = self._file.readline(LONGEST_LINE)
        self._lines_read += bool(line)
        return line

    def closing(self) -> ChainPoint:
        """Return the position and the chain hash in the closing line, after the whole file was measured.

        Raises CannotOpenLog if the file is no export, is cut off, or does not hold as many records as its
        closing line says.
        """
        complete = self._lines_read - (not self._last.endswith(b"\n"))
        return closing_of(self._path, self._first, self._last, complete)

    def read(self, after: int, count: int) -> list[Stored]:
        """Return `count` records after position `after`. Raises CannotOpenLog."""
        if after != self._lines_read:
            self._move_to(after)
        return [self._next_record() for _ in range(count)]

    def _move_to(self, after: int) -> None:
        """Go to the line after position `after`."""
        # In a gzipped file, seeking backwards decompresses again from the beginning.
        offset_number = after // RECORDS_PER_OFFSET
        self._file.seek(self._offsets[offset_number])
        self._lines_read = offset_number * RECORDS_PER_OFFSET
        for _ in range(after - self._lines_read):
            self._next_line()

    def _next_record(self) -> Stored:
        line = self._next_line()
        return record_in(line, self._path, self._lines_read)


class ExportReader:
    """Reads a log from an export. Implements `chatr.ports.LogReader`; every method may raise CannotOpenLog.

    `closing` is the position and the chain hash at which the log ends, as its closing line says.
    """

    def __init__(self, lines: ExportLines, thread: ThreadPoolExecutor) -> None:
        self._lines = lines
        self._thread = thread
        self.closing = ChainPoint(0, b"")

    async def measure(self) -> None:
        """Read the file once to its end, and set `closing`; to be called before anything else."""
        # In steps of 1,000 lines, so that a cancellation need not wait for the whole file.
        while await self._run(self._lines.measure):
            pass
        self.closing = self._lines.closing()

    async def _run(self, function: Callable[..., T], *arguments: int) -> T:
        """Run `function` in the reader's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`."""
        after = max(after, 0)
        return await self._run(self._lines.read, after, min(limit, max(self.closing.position - after, 0)))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order."""
        # Read in ascending order, so that a gzipped file is decompressed once.
        by_position = {position: (await self.read(position - 1, 1))[0] for position in sorted(set(positions))}
        return [by_position[position] for position in positions]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield every record after `after`, in batches, then wait for ever. Raises LogChanged."""
        position = after.position if after else 0
        if after and [stored.cursor for stored in await self.read(position - 1, 1)] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while batch := await self.read(position, BATCH):
            position = batch[-1].position
            yield batch
        await asyncio.Event().wait()

    async def head(self) -> int:
        """Return the last position, 0 if the log is empty."""
        return self.closing.position
