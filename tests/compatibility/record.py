"""`python -m tests.compatibility.record`: write the files in before/ and wire/ that do not exist yet.

The recorded files are a contract: what earlier versions stored and sent. They are only ever added to. An existing file
is not written again, and an exchange in wire/ is not changed. Whoever changes the contract on purpose does it by hand.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.compatibility import recorded_files, wire
from tests.compatibility.commands import chatr
from tests.compatibility.visit import make_room


def add(path: Path, content: bytes) -> None:
    if not path.exists():
        path.write_bytes(content)
        sys.stdout.write(f"{path}\n")


def record_log() -> None:
    """The log and its export, from which the commands take their arguments."""
    log = recorded_files.BEFORE / "room.db"
    if not log.exists():
        asyncio.run(make_room(log))
        (recorded_files.BEFORE / "room.db.lock").unlink()
    if not (recorded_files.BEFORE / "room.jsonl").exists():
        with TemporaryDirectory() as name:
            recorded_files.copy_log(Path(name))
            chatr([["export", "room.jsonl", *recorded_files.LOG]], Path(name))
            add(recorded_files.BEFORE / "room.jsonl", (Path(name) / "room.jsonl").read_bytes())


def record_before() -> None:
    with TemporaryDirectory() as name:
        recorded_files.copy_log(Path(name))
        for file, content in {
            **recorded_files.outputs(Path(name)),
            **asyncio.run(recorded_files.bodies(Path(name))),
        }.items():
            add(recorded_files.BEFORE / file, content)


def record_wire() -> None:
    for file, exchanges in asyncio.run(wire.record_all()).items():
        path = wire.RECORDED / file
        known = wire.read(path) if path.exists() else {}
        path.write_text(wire.written(exchanges | known), "utf-8")


if __name__ == "__main__":
    record_log()
    record_before()
    record_wire()
