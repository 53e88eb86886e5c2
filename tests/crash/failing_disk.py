"""A disk whose power fails: the files of a traced process, as they may be found after that."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

from attrs import define, field

from tests.crash.flush_trace import Kind, Step

SECTOR: Final = 512
"""Bytes that a disk writes completely or not at all."""
ACKNOWLEDGED: Final = re.compile(rb'"id":"(\d+)[^"]*"[^{}]*"content":"(message \d+-\d+)"')
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
        # A socket has a name and no content: it is bound, not created.
        if step.kind is Kind.UNLINK and step.path not in self.names:
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
