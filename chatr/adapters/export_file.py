"""A log exported to a file of lines, plain or gzipped. Its reader needs no more memory for a long one."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Final, TypeVar

from chatr.adapters.export_lines import Closing, closing_of, record_of
from chatr.domain.events import Cursor
from chatr.ports import LogChanged, Stored, Unusable
from chatr.whole_file import new_file

GZIP: Final = b"\x1f\x8b"
LONGEST: Final = 1024 * 1024
"""Bytes of a line: what is longer is no record, and never in memory whole."""
STEP: Final = 1_000
"""Records between two places in the file that are remembered."""
BATCH: Final = 1_000

T = TypeVar("T")


@contextmanager
def new_export(path: Path) -> Iterator[BufferedIOBase]:
    """A new file to write the lines into, gzipped if its name says so. Raises Unusable."""
    with new_file(path) as partial, partial.open("wb") as plain:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", 6, plain, mtime=0) as packed:
                yield packed
        else:
            yield plain


@asynccontextmanager
async def export_reader(path: Path) -> AsyncIterator["ExportReader"]:
    """The log in the exported file at `path`, to be read only. Raises Unusable."""
    with ThreadPoolExecutor(max_workers=1) as thread, opened(path) as file:
        lines = Lines(path, file)
        reader = ExportReader(lines, thread)
        await reader.measure()
        yield reader


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one sentence why the file cannot be read."""
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise Unusable(f"{path} is cut off or damaged: {error}.") from error
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or error}.") from error


@contextmanager
def opened(path: Path) -> Iterator[BufferedIOBase]:
    with ExitStack() as stack:
        with readable(path):
            plain = stack.enter_context(path.open("rb"))
            packed = plain.peek(len(GZIP)).startswith(GZIP)
        yield gzip.GzipFile(fileobj=plain) if packed else plain


class Lines:
    """The lines of the file, read by one thread. To go back, it starts at a place that it remembers."""

    def __init__(self, path: Path, file: BufferedIOBase) -> None:
        self._path = path
        self._file = file
        self._passed = 0
        self._places = [0]
        self._first = self._last = b""

    def measure(self) -> bool:
        """Take note of the next lines; False at the end."""
        size = self._places[-1]
        for _ in range(STEP):
            line = self._next()
            if not line:
                return False
            self._first = self._first or line
            self._last = line
            size += len(line)
        self._places.append(size)
        return True

    def _next(self) -> bytes:
        with readable(self._path):
            line = self._file.readline(LONGEST)
        self._passed += bool(line)
        return line

    def closing(self) -> Closing:
        """What the last line says, once all are measured. Raises Unusable for what is no export, or not a whole one."""
        if not any(fits(form, self._first) for form in (record_of, closing_of)):
            raise Unusable(f"{self._path} is no exported log; a log in SQLite is given as sqlite:///{self._path}.")
        if not fits(closing_of, self._last):
            whole = self._passed - (not self._last.endswith(b"\n"))
            raise Unusable(f"{self._path} is cut off after record {whole}: its closing line is missing.")
        closing, found = closing_of(self._last), self._passed - 1
        if closing.count != found:
            raise Unusable(f"{self._path} holds {found} records and should hold {closing.count}: it was changed.")
        return closing

    def read(self, after: int, count: int) -> list[Stored]:
        if after != self._passed:
            self._move_to(after)
        return [self._record() for _ in range(count)]

    def _move_to(self, after: int) -> None:
        step = after // STEP
        self._file.seek(self._places[step])
        self._passed = step * STEP
        for _ in range(after - self._passed):
            self._next()

    def _record(self) -> Stored:
        line, number = self._next(), self._passed
        try:
            stored = record_of(line)
        except ValueError as error:
            raise Unusable(f"Line {number} of {self._path} is no record: {error}.") from error
        if stored.position != number:
            raise Unusable(f"Line {number} of {self._path} holds record {stored.position}: the file was changed.")
        return stored


def fits(form: Callable[[bytes], object], line: bytes) -> bool:
    try:
        form(line)
    except ValueError:
        return False
    return True


class ExportReader:
    """Fulfils `chatr.ports.LogReader`. What it reads is closed: `closing` says where."""

    def __init__(self, lines: Lines, thread: ThreadPoolExecutor) -> None:
        self._lines = lines
        self._thread = thread
        self.closing = Closing(0, b"")

    async def measure(self) -> None:
        while await self._ask(self._lines.measure):
            pass
        self.closing = self._lines.closing()

    async def _ask(self, question: Callable[..., T], *details: int) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, *details)

    async def read(self, after: int, limit: int) -> list[Stored]:
        after = max(after, 0)
        return await self._ask(self._lines.read, after, min(limit, max(self.closing.count - after, 0)))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """In ascending order a gzipped file is unpacked once."""
        found = {position: (await self.read(position - 1, 1))[0] for position in sorted(set(positions))}
        return [found[position] for position in positions]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        position = after.position if after else 0
        if after and [each.cursor for each in await self.read(position - 1, 1)] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while batch := await self.read(position, BATCH):
            position = batch[-1].position
            yield batch
        await asyncio.Event().wait()

    async def head(self) -> int:
        return self.closing.count
