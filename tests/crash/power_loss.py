"""Cuts the power of a traced room at any point: python -m tests.crash.power_loss --points 1000 --seed 1.

The files are rebuilt as a disk may hold them at that point: what was flushed is there, and of the rest each sector may
be there or not. Then the room is opened, and compared with what it had acknowledged.
"""

import argparse
import asyncio
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from attrs import define, field, frozen
from structlog.testing import capture_logs
from tqdm import tqdm

from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.app import running_room
from chatr.codec import decode
from chatr.domain.events import MessagePosted
from chatr.settings import Settings
from chatr.testing.contract.steps import read_all
from tests.crash.flush_trace import Kind, Step, record

SECTOR: Final = 512
"""Bytes that a disk writes completely or not at all."""
ACKNOWLEDGED: Final = re.compile(rb'"id":"(\d+)[^"]*"[^{}]*"content":"(message \d+-\d+)"')
OPENED_WITHIN: Final = 30.0
Flushes = Callable[[str], bool]
"""Returns whether a flush of the file at this path does what it should."""


@define
class File:
    """A file: what is on the disk for sure, and what was written since the last flush."""

    durable: bytearray = field(factory=bytearray)
    pending: list[Step] = field(factory=list)
    being_flushed: int = 0
    """The pending steps that a running flush covers."""

    def flush(self) -> None:
        """Put everything that was written before the flush began on the disk."""
        for step in self.pending[: self.being_flushed]:
            apply(self.durable, step)
        del self.pending[: self.being_flushed]
        self.being_flushed = 0

    def as_found(self, random: Random) -> bytes:
        """Return the content after a power failure: of what was not flushed any sectors may be missing."""
        content = bytearray(self.durable)
        lost = random.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for step in self.pending:
            if step.kind is Kind.TRUNCATE:
                if random.random() >= lost:
                    apply(content, step)
                continue
            for sector in sectors(step):
                if random.random() >= lost:
                    apply(content, sector)
        return bytes(content)


def sectors(step: Step) -> Iterator[Step]:
    """Divide a write into one for each sector of the disk."""
    begin, end = step.offset, step.offset + len(step.data)
    while begin < end:
        next_begin = min(end, begin - begin % SECTOR + SECTOR)
        yield Step(Kind.WRITE, step.path, begin, step.data[begin - step.offset : next_begin - step.offset])
        begin = next_begin


def apply(content: bytearray, step: Step) -> None:
    """Write to `content`, or cut it off."""
    end = step.offset + len(step.data)
    content.extend(bytes(max(0, end - len(content))))
    if step.kind is Kind.TRUNCATE:
        del content[step.offset :]
    else:
        content[step.offset : end] = step.data


@define
class Disk:
    """A folder on a disk, with the names in it, to which the steps of a process are applied."""

    folder: str
    flushes: Flushes = lambda _path: True
    names: dict[str, File] = field(factory=dict)
    durable_names: dict[str, File] = field(factory=dict)
    pending_names: list[tuple[Step, File]] = field(factory=list)
    acknowledged: dict[str, int] = field(factory=dict)
    """By content: the positions that responses named."""

    def apply(self, step: Step) -> None:
        """Apply one step."""
        match step.kind:
            case Kind.SEND:
                for position, content in ACKNOWLEDGED.findall(step.data):
                    self.acknowledged[content.decode()] = int(position)
            case Kind.CREATE | Kind.RENAME | Kind.UNLINK:
                self._change_names(step)
            case Kind.FLUSH_BEGINS if file := self.names.get(step.path):
                file.being_flushed = len(file.pending)
            case Kind.FLUSH_ENDS if self.flushes(step.path):
                self._flush(step.path)
            case Kind.WRITE | Kind.TRUNCATE:
                self.names[step.path].pending.append(step)

    def _change_names(self, step: Step) -> None:
        if step.kind is Kind.CREATE and step.path in self.names:
            return
        file = File() if step.kind is Kind.CREATE else self.names[step.path]
        self.pending_names.append((step, file))
        change_names(self.names, step, file)

    def _flush(self, path: str) -> None:
        if path == self.folder:
            for step, file in self.pending_names:
                change_names(self.durable_names, step, file)
            self.pending_names.clear()
        elif path in self.names:
            self.names[path].flush()

    def write_as_found(self, target: Path, random: Random) -> None:
        """Write the files as they may be found after a power failure to the folder `target`."""
        names = dict(self.durable_names)
        # A journal of the file system keeps the order of changes to names, but may lose the last ones.
        for step, file in self.pending_names[: random.randint(0, len(self.pending_names))]:
            change_names(names, step, file)
        for path, file in names.items():
            # SQLite builds its index of the write-ahead file anew if there is none.
            if not path.endswith("-shm"):
                (target / Path(path).name).write_bytes(file.as_found(random))


def change_names(names: dict[str, File], step: Step, file: File) -> None:
    """Create, rename or remove a name."""
    if step.kind is not Kind.CREATE:
        names.pop(step.path, None)
    if step.kind is not Kind.UNLINK:
        names[step.target or step.path] = file


@frozen
class Found:
    """What was found in the files: positions by content, and the messages that are there twice."""

    messages: dict[str, int]
    doubled: list[str]


async def open_room(folder: Path) -> Found:
    """Open the room in `folder`, close it, and return what its log holds."""
    path = folder / "chatr.db"
    async with asyncio.timeout(OPENED_WITHIN), running_room(Settings(log=f"sqlite:///{path}", port=0)):
        pass
    async with sqlite_reader(path) as log:
        events = [(each.position, each.event) for each in map(decode, await read_all(log))]
    posts = [(event.content, position) for position, event in events if isinstance(event, MessagePosted)]
    counts = Counter(content for content, _ in posts)
    return Found(dict(posts), [content for content, count in counts.items() if count > 1])


def check_integrity(path: Path) -> None:
    """Raise sqlite3.Error or ValueError if the file is damaged. It may be missing."""
    if not path.exists():
        return
    try:
        # Only reading: a writing connection would put the write-ahead file in order before the room sees it.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            ((verdict,),) = db.execute("pragma integrity_check(1)")
    except sqlite3.OperationalError as error:
        # The power failed before the new file was in write-ahead mode. The room, which writes, will roll it back.
        if error.sqlite_errorname == "SQLITE_READONLY_ROLLBACK":
            return
        raise
    if verdict != "ok":
        raise ValueError(verdict)


def faults(found: Found, acknowledged: dict[str, int]) -> list[str]:
    """Return what is wrong, in words; empty if nothing is."""
    lost = [content for content, position in acknowledged.items() if found.messages.get(content) != position]
    return [
        *(f"{content} was acknowledged, and is lost" for content in lost),
        *(f"{content} is there twice" for content in found.doubled),
    ]


async def cut_power(
    steps: Sequence[Step], folder: str, points: int, seed: int, flushes: Flushes = lambda _path: True
) -> list[tuple[int, list[str]]]:
    """Cut the power at so many points, and return each point with what was wrong after it."""
    random = Random(seed)
    results, disk, done = [], Disk(folder, flushes), 0
    for point in tqdm(sorted(random.choices(range(len(steps)), k=points)), disable=None, unit=" points"):
        for step in steps[done:point]:
            disk.apply(step)
        done = point
        with tempfile.TemporaryDirectory() as found:
            disk.write_as_found(Path(found), Random(f"{seed} {point}"))
            results.append((point, await faults_of_room(Path(found), disk.acknowledged)))
    return results


async def faults_of_room(folder: Path, acknowledged: dict[str, int]) -> list[str]:
    """Open the room in `folder` and return what is wrong with it."""
    with capture_logs():
        try:
            # Before the room is opened, which waits for a file that SQLite cannot read.
            check_integrity(folder / "chatr.db")
            return faults(await open_room(folder), acknowledged)
        except Exception as error:  # noqa: BLE001 -- whatever keeps the room from opening is a fault
            return [f"the room does not open: {error!r}"]


async def run(points: int, seed: int) -> int:
    """Record a room, cut its power, print what was wrong, and return the number of points with faults."""
    with tempfile.TemporaryDirectory() as parent:
        (folder := Path(parent) / "room").mkdir()
        steps = await record(folder)
        bad = [(point, wrong) for point, wrong in await cut_power(steps, str(folder), points, seed) if wrong]
    for point, wrong in bad:
        sys.stdout.write(f"point {point}: {'; '.join(wrong[:3])}\n")
    sys.stdout.write(f"{points} points of {len(steps)} steps, seed {seed}: {len(bad)} with faults\n")
    return len(bad)


def main() -> int:
    """Run as the command line says, and return the exit code: 1 for faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.power_loss", description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    return bool(asyncio.run(run(options.points, options.seed)))


if __name__ == "__main__":
    sys.exit(main())
