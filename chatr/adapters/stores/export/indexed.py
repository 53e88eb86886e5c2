"""Reads an exported log at any place in any order, also while the file is being read for the first time.

Where the lines end takes 8 MB of memory for a million records. The content of a gzipped file goes to a temporary file:
to seek backwards in it would decompress it again from its beginning.
"""

import asyncio
import os
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from gzip import GzipFile
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, TypeVar

from chatr.adapters.stores.export.checks import STANDARD_INPUT, check_first_line, closing_of, record_in
from chatr.adapters.stores.export.file import BATCH, LONGEST_LINE, errors_as_cannot_open, opened
from chatr.atomic_file import no_room_as_cannot_open
from chatr.background_tasks import background
from chatr.domain.chain import ChainPoint
from chatr.domain.events import Cursor
from chatr.ports import CannotOpenLog, LogChanged, LogDamaged, RecordMissing, Stored

PIECE: Final = 1 << 20
"""Bytes that are read at a time: some 2,000 records."""
LARGEST_READ: Final = 8 * LONGEST_LINE
"""Bytes of the records that are read at a time."""

T = TypeVar("T")


@asynccontextmanager
async def indexed_export(path: Path | None) -> AsyncIterator["IndexedExport"]:
    """Open the exported file at `path`, or that on standard input. Raises CannotOpenLog.

    What is wrong further on in the file is raised where it is read.
    """
    with ExitStack() as stack:
        file = stack.enter_context(opened(path))
        copy = stack.enter_context(TemporaryFile("w+b")) if isinstance(file, GzipFile) else None
        lines = Lines(path or STANDARD_INPUT, file, copy)
        # One thread finds the lines; the other reads records meanwhile.
        threads = stack.enter_context(ThreadPoolExecutor(max_workers=2))
        export = IndexedExport(lines, threads)
        await export.begin()
        async with background(export.run()):
            yield export


class Lines:
    """The lines of an open export. `find_more` is called by one thread, and `text` by any.

    The content of `file` is copied to `copy`, if one is given, and read from there.
    """

    def __init__(self, path: Path, file: BufferedIOBase, copy: BinaryIO | None) -> None:
        self.path = path
        self._file = file
        self._copy = copy
        self._descriptor = (copy or file).fileno()
        self._ends = array("Q", [0])
        """Where each complete line ends, and so the next one begins."""
        self._size = 0
        self.count = 0
        """The complete lines that were found so far."""

    def find_more(self) -> bool:
        """Read the next piece of the file, and return False at its end. Raises CannotOpenLog."""
        with errors_as_cannot_open(self.path):
            piece = self._file.read(PIECE)
        if self._copy:
            with no_room_as_cannot_open(self.path):
                self._copy.write(piece)
                self._copy.flush()
        self._add(piece)
        if self._size - self._ends[-1] > LONGEST_LINE or not self.count:
            # At once: a large file of another kind need not be read to its end.
            check_first_line(self.path, self._bytes_of(0, min(1, self.count)))
        return bool(piece)

    def _add(self, piece: bytes) -> None:
        """Remember where the lines end whose ends are in `piece`."""
        end = piece.find(b"\n") + 1
        while end:
            self._ends.append(self._size + end)
            end = piece.find(b"\n", end) + 1
        self._size += len(piece)
        self.count = len(self._ends) - 1

    def closing(self) -> ChainPoint:
        """Return the position and the chain hash in the last line, when all were found. Raises CannotOpenLog."""
        has_rest = self._size > self._ends[-1]
        last = self._bytes_of(self.count, self.count + 1) if has_rest else self._bytes_of(self.count - 1, self.count)
        return closing_of(self.path, self._bytes_of(0, 1), last, self.count)

    def records(self, after: int, until: int) -> list[Stored]:
        """Return the records in the lines after line `after`, up to line `until`. Raises LogDamaged."""
        try:
            lines = self._bytes_of(after, until).split(b"\n")[: until - after]
            return [record_in(line, self.path, number) for number, line in enumerate(lines, after + 1)]
        except CannotOpenLog as error:
            raise LogDamaged(str(error)) from error

    def _bytes_of(self, after: int, until: int) -> bytes:
        """Return the text of these lines; what follows the last line feed counts as a line, of which a part is read."""
        begin = self._ends[max(after, 0)]
        end = self._ends[until] if until <= self.count else self._size
        with errors_as_cannot_open(self.path):
            return os.pread(self._descriptor, min(end - begin, LARGEST_READ), begin)

    def fitting(self, after: int, until: int) -> int:
        """Return a number of lines, at most `until`, so that the lines after `after` are not too large to be read."""
        while until - after > 1 and self._ends[until] - self._ends[after] > LARGEST_READ:
            until = after + (until - after) // 2
        return until


class IndexedExport:
    """Reads a log from an export. Implements `chatr.ports.LogReader`; every method may raise CannotOpenLog."""

    def __init__(self, lines: Lines, threads: ThreadPoolExecutor) -> None:
        self._lines = lines
        self._threads = threads
        self._closing: ChainPoint | None = None
        self._failure: CannotOpenLog | None = None
        self._advanced = asyncio.Event()

    async def begin(self) -> None:
        """Read the beginning of the file. Raises CannotOpenLog if it is no export."""
        await self._find_more()

    async def run(self) -> None:
        """Read the file to its end, then wait for ever."""
        try:
            while await self._find_more():
                self._wake()
            self._closing = await self._run(self._lines.closing)
        except CannotOpenLog as error:
            self._failure = error
        self._wake()
        await asyncio.Event().wait()

    async def _find_more(self) -> bool:
        return await self._run(self._lines.find_more)

    def _wake(self) -> None:
        """Wake whoever waits for a line."""
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        """Run `work` in a thread of the export."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    @property
    def _known(self) -> int:
        """The records whose lines were found. The last line may be the closing line, until the file was read."""
        return self._closing.position if self._closing else max(self._lines.count - 1, 0)

    async def _wait_until_known(self, position: int) -> None:
        """Wait until the line of the record at `position` was found, or the whole file was read."""
        while self._known < position and self._closing is None:
            if self._failure:
                raise self._failure
            await self._advanced.wait()

    @property
    def known_head(self) -> int | None:
        """The last position; None until the whole file was read."""
        return self._closing.position if self._closing else None

    async def closing(self) -> ChainPoint:
        """Return the position and the chain hash at which the log ends, as its last line says."""
        while self._closing is None:
            await self._wait_until_known(self._known + 1)
        return self._closing

    async def head(self) -> int:
        """Return the last position, 0 if the log is empty."""
        return (await self.closing()).position

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`. Raises LogDamaged."""
        after = max(after, 0)
        await self._wait_until_known(after + 1)
        until = self._lines.fitting(after, min(after + limit, self._known))
        return await self._records(after, until) if until > after else []

    async def _records(self, after: int, until: int) -> list[Stored]:
        """Return the records after position `after`, up to position `until`. Raises LogDamaged."""
        try:
            return await self._run(self._lines.records, after, until)
        except LogDamaged:
            # That a line is missing in the whole file says more than that the next one is at the wrong place.
            await self.closing()
            raise

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order. Raises RecordMissing or LogDamaged."""
        await self._wait_until_known(max(positions, default=0))
        if positions and not 0 < min(positions) <= max(positions) <= self._known:
            raise RecordMissing("the log does not hold these records")
        return await self._run(lambda: [each for at in positions for each in self._lines.records(at - 1, at)])

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield every record after `after`, in batches, then wait for ever. Raises LogChanged or LogDamaged."""
        position = after.position if after else 0
        if after and [stored.cursor for stored in await self.read(position - 1, 1)] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while batch := await self.read(position, BATCH):
            position = batch[-1].position
            yield batch
        await asyncio.Event().wait()
