"""Commands that copy a log carry its erased records over, and erase in a copy what was erased in the log since."""

import asyncio
from pathlib import Path

import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from tests.cli.conftest import COMMANDS, Chatr, LogFile
from tests.cli.steps import exported, output_of, stored_records
from tests.erasures import erase
from tests.postgres import Postgres

MESSAGES = (5, 6)
"""Positions of the messages that are erased."""
COUNT = len(COMMANDS) + 1
"""Records of the log once a record says what was erased."""


@pytest.fixture
def erased_log(log_file: LogFile) -> LogFile:
    """The log of COMMANDS, in which both first messages were erased."""

    async def erase_in_file() -> None:
        async with sqlite_log(log_file.path) as log:
            await erase(log, *MESSAGES)

    asyncio.run(erase_in_file())
    return log_file


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_an_erased_log_is_the_same_after_every_transfer(
    chatr: Chatr, request: pytest.FixtureRequest, erased_log: LogFile, tmp_path: Path, store: str
) -> None:
    """Exported, imported, copied and exported again, a log with erased records has the same bytes and the same head."""
    export = exported(chatr, erased_log)
    between, last = f"sqlite:///{tmp_path}/1.db", f"sqlite:///{tmp_path}/2.db"
    if store == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        between = server.log()
    outputs = [
        chatr("import", export, "--log", between).out,
        chatr("copy", between, last).out,
        chatr("export", tmp_path / "last.jsonl", "--log", last).out,
    ]

    assert b'"data":""' in export.read_bytes()
    assert (tmp_path / "last.jsonl").read_bytes() == export.read_bytes()
    assert len({line.rpartition("Head: ")[2] for line in outputs}) == 1


def test_a_second_copy_erases_what_was_erased_since(
    chatr: Chatr, request: pytest.FixtureRequest, log_file: LogFile, tmp_path: Path
) -> None:
    """A copy that is brought up to date does not keep a text that its source has erased."""
    copy = LogFile(tmp_path / "copy.db")
    output_of(chatr, "copy", log_file.url, copy.url)
    request.getfixturevalue("erased_log")
    second, third = (output_of(chatr, "copy", log_file.url, copy.url) for _ in range(2))

    assert second.startswith("1 record copied, 10 were there, 2 records erased. ")
    assert third.startswith("0 records copied, 11 were there. ")
    assert stored_records(log_file.path) == stored_records(copy.path)
    assert b"Hello, Bob!" not in b"".join(file.read_bytes() for file in tmp_path.glob("copy.db*"))


def test_a_backup_of_an_erased_log(chatr: Chatr, erased_log: LogFile, tmp_path: Path) -> None:
    """A backup that is made later holds the erased records, and nothing of their texts."""
    output = output_of(chatr, "backup", tmp_path / "copy.db", "--log", erased_log.url)

    assert output.startswith(f"{COUNT} records backed up to ")
    assert b"Hello, Bob!" not in (tmp_path / "copy.db").read_bytes()
