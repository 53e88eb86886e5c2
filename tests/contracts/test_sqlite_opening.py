"""How a log in one SQLite file is opened: by one process, for its owner's eyes, with its schema brought up to date."""

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib.resources import as_file
from pathlib import Path

import pytest

from chatr import schema
from chatr.adapters.sqlite import sqlite_log
from chatr.adapters.sqlite_file import LogInUse
from chatr.ports import Conflict, Unusable
from chatr.schema import SchemaTooNew
from chatr.testing.contract.steps import chain, draft, everything, fill


@pytest.fixture
def careless() -> Iterator[None]:
    """A process whose new files everybody may read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations like the real one, to which a next one can be added."""
    with as_file(schema.folder() / "sqlite") as real:
        shutil.copytree(real, tmp_path / "migrations" / "sqlite")
    monkeypatch.setattr(schema, "folder", lambda: tmp_path / "migrations")
    return tmp_path / "migrations" / "sqlite"


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("pragma user_version").fetchone()[0])


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        return {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}


async def test_the_log_is_for_its_owner_only(path: Path, careless: None) -> None:
    """Other users of the machine read neither the log nor what SQLite keeps beside it."""
    async with sqlite_log(path) as log:
        await fill(log, 1)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == dict.fromkeys(["chatr.db", "chatr.db-wal", "chatr.db-shm", "chatr.db.lock"], 0o600)


@pytest.mark.parametrize("name", ["a b.db", "a#b?c=d&e.db", "100%41.db", "\u00e4.db", "-.db", "'.db", "log"])
async def test_any_name_of_a_file_will_do(tmp_path: Path, name: str) -> None:
    """The name is a name, and no part of an address or a statement."""
    async with sqlite_log(tmp_path / name) as log:
        await fill(log, 1)

    assert (tmp_path / name).stat().st_size > 0


async def test_a_path_may_be_text_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log is found where the process was started."""
    monkeypatch.chdir(tmp_path)
    async with sqlite_log("chatr.db") as log:
        await fill(log, 1)

    assert version(tmp_path / "chatr.db") == 1


async def test_a_second_writer_is_refused(path: Path) -> None:
    """Two writing connections could damage the file, so the second is told to leave."""
    async with sqlite_log(path):
        with pytest.raises(LogInUse, match=rf"^Another process writes to {path}.*\.$"):
            async with sqlite_log(path):
                pass


async def test_a_second_writer_that_comes_by_another_name_is_refused(path: Path) -> None:
    """A link to the file is the same file."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    async with sqlite_log(path):
        with pytest.raises(LogInUse):
            async with sqlite_log(link):
                pass


async def test_who_was_refused_has_changed_nothing(path: Path) -> None:
    """The writer that came first keeps its place and works on."""
    async with sqlite_log(path) as log:
        for _ in range(2):
            with pytest.raises(LogInUse):
                async with sqlite_log(path):
                    pass
        await fill(log, 1)

        assert await log.head() == 1


def not_a_database(path: Path) -> None:
    path.write_text("Dear diary, " * 1_000)


def a_folder(path: Path) -> None:
    path.mkdir()


def damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table log (position)")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(1_000))


@pytest.mark.parametrize("make", [not_a_database, a_folder, damaged])
async def test_what_is_no_log_is_refused_in_a_sentence(path: Path, make: Callable[[Path], None]) -> None:
    """The operator is told which file is meant and what is wrong with it."""
    make(path)
    with pytest.raises(Unusable, match=rf"^The log at {path} .*\.$"):
        async with sqlite_log(path):
            pass


async def test_a_log_in_no_folder_is_refused_in_a_sentence(path: Path) -> None:
    """A folder is not made by mistake."""
    with pytest.raises(Unusable, match=rf"^The log at {path}/chatr.db .*\.$"):
        async with sqlite_log(path / "chatr.db"):
            pass


def test_a_refusal_is_all_that_the_operator_reads(path: Path) -> None:
    """No thread outlives the event loop of a process that could not open its log, to fail with a traceback."""

    async def refused() -> None:
        with pytest.raises(Unusable):
            async with sqlite_log(path):
                pass

    a_folder(path)
    for _ in range(100):
        asyncio.run(refused())


async def test_a_new_log_has_the_newest_schema(path: Path) -> None:
    """The number of the last migration is kept in the file."""
    async with sqlite_log(path):
        pass

    assert max(number for number, _ in schema.scripts("sqlite", 0)) == version(path)


async def test_an_older_log_is_brought_up_to_date_and_keeps_its_records(path: Path, migrations: Path) -> None:
    """A new version of chatr opens an old log; only what is missing is run."""
    async with sqlite_log(path) as log:
        written = await fill(log, 3)
    (migrations / "0002_next.sql").write_text("-- Next.\ncreate table next (a int) strict;\n")
    async with sqlite_log(path) as log:
        found = await everything(log)

    assert (written, 2, {"log", "next"}) == (found, version(path), tables(path))


async def test_a_log_begun_with_its_columns_in_another_order_goes_on(path: Path, migrations: Path) -> None:
    """In either order of the unique columns only one record can follow another."""
    script = (migrations / "0001_log.sql").read_text("utf-8")
    older = script.replace("unique (previous, stream)", "unique (stream, previous)")
    (migrations / "0001_log.sql").write_text(older, "utf-8")
    async with sqlite_log(path) as log:
        first, second = await chain(log, "agent/a", 2)
        with pytest.raises(Conflict):
            await log.append(draft("agent/a"), expected=first.position)
        found = await everything(log)

    assert (script != older, [first, second]) == (True, found)


async def test_a_failing_migration_leaves_the_log_as_it_was(path: Path, migrations: Path) -> None:
    """A migration is all or nothing, and the older version of chatr still opens the log."""
    async with sqlite_log(path) as log:
        written = await fill(log, 3)
    (migrations / "0002_next.sql").write_text("create table next (a int) strict;\ninsert into nowhere values (1);\n")
    with pytest.raises(Unusable, match="nowhere"):
        async with sqlite_log(path):
            pass
    (migrations / "0002_next.sql").unlink()
    async with sqlite_log(path) as log:
        found = await everything(log)

    assert (written, 1, {"log"}) == (found, version(path), tables(path))


@pytest.mark.parametrize(
    "script",
    [
        "create table next (a int);\ncreate table more (a int)\n",
        "create table next (a int); create table more (a int);\n",
    ],
)
async def test_a_migration_is_run_to_its_end_or_not_at_all(path: Path, migrations: Path, script: str) -> None:
    """However a script is laid out, no statement of it is left out in silence."""
    (migrations / "0002_next.sql").write_text(script)
    with suppress(Unusable):
        async with sqlite_log(path):
            pass

    assert (version(path), tables(path)) in [(1, {"log"}), (2, {"log", "next", "more"})]


async def test_a_log_of_a_newer_chatr_is_refused(path: Path) -> None:
    """What a newer version may have stored, this one does not touch."""
    async with sqlite_log(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(SchemaTooNew, match=r"schema 99.*newer.*\.$"):
        async with sqlite_log(path):
            pass

    assert (99, {"log"}) == (version(path), tables(path))
