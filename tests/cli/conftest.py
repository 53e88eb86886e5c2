"""Commands to be run, and a log for them to read: two agents who came, spoke, and went or were verified."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from attrs import frozen

from chatr.adapters.sqlite import sqlite_log
from chatr.cli import main
from chatr.codec import encode
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Profile,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.events import Record
from chatr.domain.keys import digest_of
from chatr.domain.limits import CODE_VALID, MINUTE, SECOND, Limits
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import accepted

ADA: Final = agent_id("Ada")
BOB: Final = agent_id("Bob")
COUNTESS: Final = Profile("ada_of_london", claimed=True, owner="countess", proof="post-1")
PAST: Final[tuple[Command, ...]] = (
    AdoptLimits(Limits(), START),
    Register("Ada", "🦀", digest_of("ada"), START + SECOND),
    Heartbeat(ADA, START + 2 * SECOND),
    Register("Bob", None, digest_of("bob"), START + 3 * SECOND),
    Post(ADA, "Hello, Bob!", START + 10 * SECOND, "first"),
    Post(BOB, "Hi!", START + MINUTE),
    StartVerification(ADA, "ada_of_london", "K7M2QX9P", START + MINUTE + CODE_VALID, START + MINUTE),
    CompleteVerification(ADA, "ada_of_london", COUNTESS, START + 2 * MINUTE),
    Post(ADA, "See https://example.com", START + 3 * MINUTE),
    Leave(BOB, START + 4 * MINUTE),
)
"""Each of these becomes the record at its place: the first stands at position 1."""


@frozen
class Run:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> list[Any]:
        return [orjson.loads(line) for line in self.lines]


Chatr = Callable[..., Run]


@pytest.fixture
def chatr(capsys: pytest.CaptureFixture[str]) -> Chatr:
    """Runs a command in this process."""

    def run(*arguments: object) -> Run:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Run(code, out, err)

    return run


@frozen
class File:
    """A log in a file, to be read by a command and altered by hand."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def write(self, records: Iterable[Record]) -> None:
        asyncio.run(self._append(list(records)))

    async def _append(self, records: list[Record]) -> None:
        room = Room()
        async with sqlite_log(self.path) as log, asyncio.TaskGroup() as appending:
            for record in records:
                draft = encode(record.event, record_id=record.id, seen=record.seen)
                appending.create_task(log.append(draft, expected=room.expected(record.event)))
                room.apply(record)

    def alter(self, statement: str, *parameters: object) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(statement, parameters)


@pytest.fixture
def empty(tmp_path: Path) -> File:
    """A log to be filled."""
    return File(tmp_path / "chatr.db")


@pytest.fixture
def file(empty: File) -> File:
    """The log of PAST."""
    records = accepted(PAST)
    assert len(records) == len(PAST)
    empty.write(records)
    return empty


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts commands in processes of their own."""
    processes: list[subprocess.Popen[str]] = []

    def started(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "chatr", *map(str, arguments)]
        environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
        processes.append(process)
        return process

    yield started
    for process in processes:
        with process:
            process.kill()
