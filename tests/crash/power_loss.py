"""Cuts the power of a traced room at any point: python -m tests.crash.power_loss --points 1000 --seed 1.

The files are rebuilt as a disk may hold them at that point: what was flushed is there, and of the rest each sector may
be there or not. Then the room is opened, and compared with what it had acknowledged.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen
from structlog.testing import capture_logs
from tqdm import tqdm

from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.app import running_room
from chatr.codec import decode
from chatr.domain.events import MessagePosted
from chatr.settings import Settings
from chatr.testing.contract.steps import read_all
from tests.crash.failing_disk import Disk, Flushes
from tests.crash.flush_trace import Kind, Step, record

OPENED_WITHIN: Final = 30.0


@frozen
class Found:
    """What was found in the files: positions by content, the messages that are there twice, and those of the room."""

    messages: dict[str, int]
    doubled: list[str]
    shown: list[int]
    """The positions of the messages that the room had, which may have begun with a checkpoint."""


async def open_room(folder: Path) -> Found:
    """Open the room in `folder`, close it, and return what it had and what its log holds."""
    path = folder / "chatr.db"
    async with asyncio.timeout(OPENED_WITHIN), running_room(Settings(log=f"sqlite:///{path}", port=0)) as room:
        shown = list(room.node.room.history.positions)
    async with sqlite_reader(path) as log:
        events = [(each.position, each.event) for each in map(decode, await read_all(log))]
    posts = [(event.content, position) for position, event in events if isinstance(event, MessagePosted)]
    counts = Counter(content for content, _ in posts)
    return Found(dict(posts), [content for content, count in counts.items() if count > 1], shown)


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
        *(["the room has other messages than its log"] if found.shown != sorted(found.messages.values()) else []),
    ]


def chosen_points(steps: Sequence[Step], count: int, random: Random) -> list[int]:
    """Choose so many points: a half of all, the other after steps on files, with the same chance for each file."""
    # Else none would be at the end, where the checkpoint is written: nearly all steps are on the write-ahead file.
    by_file: dict[str, list[int]] = {}
    for point, step in enumerate(steps[:-1], 1):
        if step.kind is not Kind.SEND:
            by_file.setdefault(step.path, []).append(point)
    after_files = [random.choice(random.choice(list(by_file.values()))) for _ in range(count // 2)]
    return [*after_files, *random.choices(range(len(steps)), k=count - count // 2)]


async def cut_power(
    steps: Sequence[Step], folder: str, points: int, seed: int, flushes: Flushes = lambda _path: True
) -> list[tuple[int, list[str]]]:
    """Cut the power at so many points, and return each point with what was wrong after it."""
    random = Random(seed)
    results, disk, done = [], Disk(folder, flushes), 0
    for point in tqdm(sorted(chosen_points(steps, points, random)), disable=None, unit=" points"):
        for step in steps[done:point]:
            disk.apply(step)
        done = point
        with tempfile.TemporaryDirectory() as found:
            disk.write_as_found(Path(found), Random(f"{seed} {point}"))
            results.append((point, await faults_of_room(Path(found), disk.acknowledged)))
    return results


async def faults_of_room(folder: Path, acknowledged: dict[str, int]) -> list[str]:
    """Open the room in `folder` and return what is wrong with it."""
    with capture_logs() as lines:
        try:
            check_integrity(folder / "chatr.db")
            found = await open_room(folder)
        except Exception as error:  # noqa: BLE001 -- whatever keeps the room from opening is a fault
            return [f"the room does not open: {error!r}"]
    # A checkpoint gets its name when it is complete, so it is never found damaged.
    discarded = [str(line) for line in lines if line["event"] == "checkpoint_discarded"]
    return [*faults(found, acknowledged), *discarded]


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
