"""chatr export, import and copy: a log goes where it is wanted, and stays what it is, byte for byte."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from chatr.adapters.sqlite import sqlite_log
from chatr.testing.contract.steps import fill
from chatr.testing.records import accepted
from tests.cli.conftest import PAST, Chatr, File, Start
from tests.cli.moving import HEAD, MORE, done, exported, stored
from tests.postgres import Postgres

MANY = 10_000
"""Records that take a while to copy."""


@pytest.fixture
def export(chatr: Chatr, file: File) -> Path:
    """The log of PAST, exported."""
    return exported(chatr, file)


def test_an_export_is_the_log_line_by_line(file: File, export: Path) -> None:
    """Each line holds every field of a record, its data as the very text that is stored; the last one closes."""
    *lines, closing_line = [orjson.loads(line) for line in export.read_bytes().splitlines()]
    with closing(sqlite3.connect(file.path)) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("select * from log order by position")]

    assert lines == [{**row, "check": row["check"].hex()} for row in rows]
    assert closing_line == {"count": len(PAST), "head": HEAD}


@pytest.mark.parametrize("name", ["again.jsonl", "again.jsonl.gz"])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_log_survives_every_store(
    chatr: Chatr, request: pytest.FixtureRequest, export: Path, tmp_path: Path, store: str, name: str
) -> None:
    """Exported, imported, copied and exported again, it is the same byte for byte."""
    between, last = f"sqlite:///{tmp_path}/1.db", f"sqlite:///{tmp_path}/2.db"
    if store == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        between = server.log()
    told = [
        done(chatr, "export", tmp_path / name, "--log", export),
        done(chatr, "import", tmp_path / name, "--log", between),
        done(chatr, "copy", between, last),
        done(chatr, "export", tmp_path / "last.jsonl", "--log", last),
    ]

    assert (tmp_path / "last.jsonl").read_bytes() == export.read_bytes()
    assert {line.rpartition("Head: ")[2] for line in told} == {f"{len(PAST)}:{HEAD}\n"}


def test_an_empty_log_can_be_moved(chatr: Chatr, empty: File, tmp_path: Path) -> None:
    """A log without records is one, too."""
    empty.write([])
    done(chatr, "export", tmp_path / "room.jsonl", "--log", empty.url)

    assert done(chatr, "import", tmp_path / "room.jsonl", "--log", f"sqlite:///{tmp_path}/1.db").startswith("0 records")


def test_a_copy_follows_its_source(chatr: Chatr, file: File, tmp_path: Path) -> None:
    """What the source has gained since is added; what was there is left as it is."""
    copy = File(tmp_path / "copy.db")
    first = done(chatr, "copy", file.url, copy.url)
    file.write(accepted([*PAST, MORE]))
    told = [done(chatr, "copy", file.url, copy.url) for _ in range(2)]

    assert [line.partition(". ")[0] for line in (first, *told)] == [
        "10 records copied, 0 were there",
        "1 record copied, 10 were there",
        "0 records copied, 11 were there",
    ]
    assert stored(file.path) == stored(copy.path)


@pytest.fixture
def long(tmp_path: Path) -> File:
    """A log that takes a while to copy."""

    async def write(path: Path) -> None:
        async with sqlite_log(path) as log:
            for _ in range(MANY // 1_000):
                await fill(log, 1_000)

    file = File(tmp_path / "long.db")
    asyncio.run(write(file.path))
    return file


def head(path: Path) -> int:
    """How many records there are; none while the file is being made."""
    with closing(sqlite3.connect(path)) as db:
        try:
            ((position,),) = db.execute("select coalesce(max(position), 0) from log")
        except sqlite3.OperationalError:
            return 0
    return int(position)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_copy_that_is_stopped_goes_on(
    chatr: Chatr, start: Start, long: File, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    """Killed or interrupted on the way, a copy is finished when it is asked for again, and nothing is there twice."""
    copy = File(tmp_path / "copy.db")
    copying = start("copy", long.url, copy.url)
    while head(copy.path) < 1_000:
        assert copying.poll() is None
    copying.send_signal(how)
    _, told = copying.communicate()
    rest = done(chatr, "copy", long.url, copy.url)

    assert (copying.returncode, told) == (code, "")
    assert int(rest.split()[0].replace(",", "")) < MANY
    assert stored(copy.path) == stored(long.path)
