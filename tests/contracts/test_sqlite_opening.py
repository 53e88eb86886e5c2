"""A SQLite log is opened by one process, is readable by its owner only, and is migrated when it is opened."""

import asyncio
import os
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import pytest

from chatr.adapters.stores.migrations import SchemaTooNew, bundled_migrations, pending_migrations
from chatr.adapters.stores.sqlite import connection
from chatr.adapters.stores.sqlite.lock import LogInUse
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.ports import CannotOpenLog, Conflict
from chatr.testing.contract.steps import append_chain, append_many, new_draft, read_all


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Gives all users all rights to new files, unless the program asks for fewer."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A copy of the migrations, which can be changed, and to which others can be added."""
    with as_file(bundled_migrations() / "sqlite") as bundled:
        shutil.copytree(bundled, tmp_path / "migrations" / "sqlite")
    return tmp_path / "migrations"


def version(path: Path) -> int:
    """Return the number of the last migration that was run."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("pragma user_version").fetchone()[0])


def tables(path: Path) -> set[str]:
    """Return the names of the tables in the file."""
    with closing(sqlite3.connect(path)) as db:
        return {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}


async def test_all_files_are_readable_by_the_owner_only(path: Path, open_umask: None) -> None:
    """Other users of the machine can read neither the log nor the files beside it."""
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    modes["chatr.db.head"] = stat.S_IMODE(path.with_name("chatr.db.head").stat().st_mode)

    names = ["chatr.db", "chatr.db-wal", "chatr.db-shm", "chatr.db.lock", "chatr.db.head"]
    assert modes == dict.fromkeys(names, 0o600)


@pytest.mark.parametrize("name", ["a b.db", "a#b?c=d&e.db", "100%41.db", "\u00e4.db", "-.db", "'.db", "log"])
async def test_any_file_name_works(tmp_path: Path, name: str) -> None:
    """No character of the name is interpreted as a part of a URI or a statement."""
    async with sqlite_log(tmp_path / name) as log:
        await append_many(log, 1)

    assert (tmp_path / name).stat().st_size > 0


async def test_a_path_may_be_a_relative_string(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is relative to the working directory."""
    monkeypatch.chdir(tmp_path)
    async with sqlite_log("chatr.db") as log:
        await append_many(log, 1)

    assert version(tmp_path / "chatr.db") == 1


async def test_a_second_writer_is_rejected(path: Path) -> None:
    """A second writer, which could damage the file, raises LogInUse."""
    async with sqlite_log(path):
        with pytest.raises(LogInUse, match=rf"^Another process writes to {path}.*\.$"):
            async with sqlite_log(path):
                pass


async def test_a_second_writer_through_a_symbolic_link_is_rejected(path: Path) -> None:
    """A symbolic link to the file leads to the same lock."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    async with sqlite_log(path):
        with pytest.raises(LogInUse):
            async with sqlite_log(link):
                pass


async def test_a_rejected_second_writer_does_not_affect_the_first(path: Path) -> None:
    """The first writer still holds the lock, and its appends succeed."""
    async with sqlite_log(path) as log:
        for _ in range(2):
            with pytest.raises(LogInUse):
                async with sqlite_log(path):
                    pass
        await append_many(log, 1)

        assert await log.head() == 1


def not_a_database(path: Path) -> None:
    """Write a text file."""
    path.write_text("Hello, world. " * 1_000)


def a_folder(path: Path) -> None:
    """Create a folder."""
    path.mkdir()


def damaged(path: Path) -> None:
    """Write a database, and overwrite a part of its first page."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table log (position)")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(1_000))


@pytest.mark.parametrize("make", [not_a_database, a_folder, damaged])
async def test_a_file_that_is_no_log_is_rejected_in_one_sentence(path: Path, make: Callable[[Path], None]) -> None:
    """The error names the file, and says what is wrong with it."""
    make(path)
    with pytest.raises(CannotOpenLog, match=rf"^The log at {path} .*\.$"):
        async with sqlite_log(path):
            pass


async def test_a_log_in_a_missing_folder_is_rejected_in_one_sentence(path: Path) -> None:
    """A missing folder is not created: its name may be a mistake."""
    with pytest.raises(CannotOpenLog, match=rf"^The log at {path}/chatr.db .*\.$"):
        async with sqlite_log(path / "chatr.db"):
            pass


def test_a_rejected_log_leaves_no_thread_that_prints_a_traceback(path: Path) -> None:
    """When a log cannot be opened, no thread outlives the event loop, where it would fail with a traceback."""

    async def open_rejected() -> None:
        with pytest.raises(CannotOpenLog):
            async with sqlite_log(path):
                pass

    a_folder(path)
    for _ in range(100):
        asyncio.run(open_rejected())


async def test_a_new_log_has_the_newest_schema(path: Path) -> None:
    """The number of the last migration is stored in the file."""
    async with sqlite_log(path):
        pass

    assert max(number for number, _ in pending_migrations("sqlite", 0)) == version(path)


async def test_an_older_log_is_migrated_and_keeps_its_records(path: Path, migrations: Path) -> None:
    """A newer version of chatr opens an older log, and runs only the migrations that are missing."""
    async with sqlite_log(path) as log:
        written = await append_many(log, 3)
    (migrations / "sqlite" / "0002_next.sql").write_text("-- Next.\ncreate table next (a int) strict;\n")
    async with sqlite_log(path, migrations=migrations) as log:
        records = await read_all(log)

    assert (written, 2, {"log", "next"}) == (records, version(path), tables(path))


async def test_a_log_with_the_older_order_of_unique_columns_works(path: Path, migrations: Path) -> None:
    """In either order of the unique columns, only one record can follow another one."""
    file = migrations / "sqlite" / "0001_log.sql"
    script = file.read_text("utf-8")
    older = script.replace("unique (previous, stream)", "unique (stream, previous)")
    file.write_text(older, "utf-8")
    async with sqlite_log(path, migrations=migrations) as log:
        first, second = await append_chain(log, "agent/a", 2)
        with pytest.raises(Conflict):
            await log.append(new_draft("agent/a"), expected=first.position)
        records = await read_all(log)

    assert (script != older, [first, second]) == (True, records)


async def test_a_failed_migration_leaves_the_log_unchanged(path: Path, migrations: Path) -> None:
    """After a failed migration the older version of chatr can still open the log."""
    async with sqlite_log(path) as log:
        written = await append_many(log, 3)
    failing = "create table next (a int) strict;\ninsert into nowhere values (1);\n"
    (migrations / "sqlite" / "0002_next.sql").write_text(failing)
    with pytest.raises(CannotOpenLog, match="nowhere"):
        async with sqlite_log(path, migrations=migrations):
            pass
    async with sqlite_log(path) as log:
        records = await read_all(log)

    assert (written, 1, {"log"}) == (records, version(path), tables(path))


@pytest.mark.parametrize(
    "script",
    [
        "create table next (a int);\ncreate table more (a int)\n",
        "create table next (a int); create table more (a int);\n",
    ],
)
async def test_a_migration_is_run_completely_or_not_at_all(path: Path, migrations: Path, script: str) -> None:
    """However the lines of a script are broken, none of its statements is skipped without an error."""
    (migrations / "sqlite" / "0002_next.sql").write_text(script)
    with suppress(CannotOpenLog):
        async with sqlite_log(path, migrations=migrations):
            pass

    assert (version(path), tables(path)) in [(1, {"log"}), (2, {"log", "next", "more"})]


async def test_a_log_of_a_newer_chatr_is_rejected(path: Path) -> None:
    """A log that a newer version has migrated is not written."""
    async with sqlite_log(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(SchemaTooNew, match=r"schema 99.*newer.*\.$"):
        async with sqlite_log(path):
            pass

    assert (99, {"log"}) == (version(path), tables(path))


class SlowConnection(sqlite3.Connection):
    """A connection that takes a while to open, as on a slow disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        time.sleep(0.05)
        super().__init__(*args, **kwargs)


def test_a_cancelled_opening_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the opening of a log is cancelled, as by Ctrl-C, no thread needs the event loop after that."""
    errors: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)

    async def cancel_opening() -> None:
        async with sqlite_log(tmp_path / "chatr.db"):
            pass
        opening = asyncio.ensure_future(connection.reader(tmp_path / "chatr.db", SlowConnection).__aenter__())
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait([opening])

    asyncio.run(cancel_opening())
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            thread.join(timeout=5)

    assert errors == []
