"""Fixtures that run commands, and a log for them to read: two agents register and post, one is verified, one leaves."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import structlog
from attrs import frozen

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.cli.main import main
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.events import Record
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY, MINUTE, SECOND, Limits
from chatr.domain.proof import Profile
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import draft_of, records_after

ADA: Final = agent_id("Ada")
BOB: Final = agent_id("Bob")
ADAS_PROFILE: Final = Profile("ada_of_london", claimed=True, owner="countess", proof="post-1")
COMMANDS: Final[tuple[Command, ...]] = (
    AdoptLimits(Limits(), START),
    Register("Ada", "🦀", hash_key("ada"), START + SECOND),
    Heartbeat(ADA, START + 2 * SECOND),
    Register("Bob", None, hash_key("bob"), START + 3 * SECOND),
    Post(ADA, "Hello, Bob!", START + 10 * SECOND, "first"),
    Post(BOB, "Hi!", START + MINUTE),
    StartVerification(ADA, "ada_of_london", "K7M2QX9P", START + MINUTE + CODE_VALIDITY, START + MINUTE),
    CompleteVerification(ADA, "ada_of_london", ADAS_PROFILE, START + 2 * MINUTE),
    Post(ADA, "See https://example.com", START + 3 * MINUTE),
    Leave(BOB, START + 4 * MINUTE),
)
"""Each command becomes the record at its place: the first has position 1."""


@frozen
class Result:
    """Exit code, standard output and standard error of a command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> list[Any]:
        """The JSON values in standard output, one for each line."""
        return [msgspec.json.decode(line) for line in self.lines]


Chatr = Callable[..., Result]


@pytest.fixture
def chatr(capsys: pytest.CaptureFixture[str]) -> Iterator[Chatr]:
    """Runs a command in this process, whose log settings are restored at the end of the test."""
    log_settings = structlog.get_config()

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        code = exit_.value.code
        assert isinstance(code, int)
        return Result(code, out, err)

    yield run
    structlog.configure(**log_settings)


@frozen
class LogFile:
    """A log in a SQLite file."""

    path: Path

    @property
    def url(self) -> str:
        """The URL for --log."""
        return f"sqlite:///{self.path}"

    def append(self, records: Iterable[Record]) -> None:
        """Store the records that the log lacks; those that it has are appended again, which changes nothing."""
        asyncio.run(self._append(list(records)))

    async def _append(self, records: list[Record]) -> None:
        room = Room()
        async with sqlite_log(self.path) as log, asyncio.TaskGroup() as appending:
            for record in records:
                draft = draft_of(record.event, record_id=record.id, decided_at_position=record.decided_at_position)
                appending.create_task(log.append(draft, expected=room.stream_end(record.event).position))
                room.apply(record)

    def alter(self, statement: str, *parameters: object) -> None:
        """Change the file behind the program's back, with a statement of SQL."""
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(statement, parameters)


@pytest.fixture
def new_log(tmp_path: Path) -> LogFile:
    """A file to which nothing has been written yet."""
    return LogFile(tmp_path / "chatr.db")


@pytest.fixture
def log_file(new_log: LogFile) -> LogFile:
    """The log of COMMANDS."""
    records = records_after(COMMANDS)
    assert len(records) == len(COMMANDS)
    new_log.append(records)
    return new_log


StartChatr = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_chatr() -> Iterator[StartChatr]:
    """Starts commands in processes of their own, and kills those that are left at the end of the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "chatr", *map(str, arguments)]
        environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
        processes.append(process)
        return process

    yield start
    for process in processes:
        with process:
            process.kill()
