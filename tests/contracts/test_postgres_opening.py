"""Opening a PostgreSQL log checks the server, creates or migrates the schema, and never discloses a password."""

import asyncio
import shutil
import traceback
from collections.abc import Callable
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import pytest

from chatr.adapters.stores.migrations import SchemaTooNew, bundled_migrations, pending_migrations
from chatr.adapters.stores.postgres.log import postgres_log, postgres_reader
from chatr.adapters.stores.postgres.session import PostgresTimeouts
from chatr.ports import CannotOpenLog
from chatr.testing.contract.steps import append_many, read_all
from tests.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new, empty log."""
    return postgres.log()


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A copy of the migrations, to which another one can be added."""
    with as_file(bundled_migrations() / "postgres") as bundled:
        shutil.copytree(bundled, tmp_path / "postgres")
    return tmp_path


async def open_and_close(url: str, migrations: Path | None = None) -> None:
    """Open the log, which migrates it, and close it."""
    async with postgres_log(url, migrations=migrations):
        pass


def versions(postgres: Postgres, url: str) -> list[int]:
    """Return the numbers of the migrations that were run."""
    return [version for (version,) in postgres.execute("select version from schema_version order by version", url)]


def tables(postgres: Postgres, url: str) -> set[str]:
    """Return the names of the log's tables but for that of the versions."""
    rows = postgres.execute("select tablename from pg_tables where schemaname = current_schema()", url)
    return {name for (name,) in rows} - {"schema_version"}


async def test_a_new_log_has_the_newest_schema(postgres: Postgres, url: str) -> None:
    """Each migration is run once, however often the log is opened."""
    for _ in range(2):
        await open_and_close(url)

    assert versions(postgres, url) == [number for number, _ in pending_migrations("postgres", 0)]


async def test_nodes_that_start_together_create_one_log(postgres: Postgres, url: str) -> None:
    """The first node creates the tables, and the others wait for it."""
    await asyncio.gather(*(open_and_close(url) for _ in range(5)))

    assert (versions(postgres, url), tables(postgres, url)) == ([1], {"log"})


async def test_an_older_log_is_migrated_and_keeps_its_records(postgres: Postgres, url: str, migrations: Path) -> None:
    """A newer version of chatr opens an older log, and runs only the migrations that are missing."""
    async with postgres_log(url) as log:
        written = await append_many(log, 3)
    script = "-- Next.\ncreate table next (a int);\ncreate table more (a int);\n"
    (migrations / "postgres" / "0002_next.sql").write_text(script)
    async with postgres_log(url, migrations=migrations) as log:
        records = await read_all(log)

    assert (written, [1, 2], {"log", "next", "more"}) == (records, versions(postgres, url), tables(postgres, url))


async def test_a_failed_migration_leaves_the_log_unchanged(postgres: Postgres, url: str, migrations: Path) -> None:
    """After a failed migration the older version of chatr can still open the log."""
    async with postgres_log(url) as log:
        written = await append_many(log, 3)
    failing = "create table next (a int);\ninsert into nowhere values (1);\n"
    (migrations / "postgres" / "0002_next.sql").write_text(failing)
    with pytest.raises(CannotOpenLog, match="nowhere"):
        await open_and_close(url, migrations)
    async with postgres_log(url) as log:
        records = await read_all(log)

    assert (written, [1], {"log"}) == (records, versions(postgres, url), tables(postgres, url))


@pytest.mark.parametrize("opens", [postgres_log, postgres_reader])
async def test_a_log_of_a_newer_chatr_is_rejected(postgres: Postgres, url: str, opens: Callable[[str], Any]) -> None:
    """A log that a newer version has migrated is neither written nor read."""
    await open_and_close(url)
    postgres.execute("insert into schema_version values (99)", url)
    with pytest.raises(SchemaTooNew, match=r"schema 99.*newer.*\.$"):
        async with opens(url):
            pass

    assert versions(postgres, url) == [1, 99]


async def test_a_reader_creates_no_log(postgres: Postgres, url: str) -> None:
    """Opening a database without a log for reading is an error, and creates no table."""
    with pytest.raises(CannotOpenLog, match=r"^There is no log in this PostgreSQL database: .*\.$"):
        async with postgres_reader(url):
            pass

    assert not tables(postgres, url)


async def test_a_database_that_is_not_in_utf8_is_rejected(postgres: Postgres) -> None:
    """A database whose encoding cannot store every character is rejected."""
    name = postgres.database("template template0 encoding LATIN1 locale 'C'")
    with pytest.raises(
        CannotOpenLog, match=r"^The log in PostgreSQL cannot be used: its encoding is LATIN1: .*UTF8\.$"
    ):
        await open_and_close(postgres.url(name))


@pytest.mark.parametrize("place", ["role", "URL"])
async def test_a_server_that_does_not_flush_is_rejected(postgres: Postgres, url: str, place: str) -> None:
    """A server that acknowledges commits before they are on the disk is rejected: acknowledged posts could be lost."""
    by_role = postgres.log(user=postgres.role("synchronous_commit = off"))
    set_url = by_role if place == "role" else f"{url}%20-csynchronous_commit%3Doff"
    with pytest.raises(CannotOpenLog, match=r"^The log in PostgreSQL .* synchronous_commit is off, .* set it to on\.$"):
        await open_and_close(set_url)


async def test_a_role_that_may_not_write_is_rejected(postgres: Postgres) -> None:
    """A role whose transactions are read-only by default is rejected when the log is opened."""
    with pytest.raises(CannotOpenLog, match="takes no writes"):
        await open_and_close(postgres.log(user=postgres.role("default_transaction_read_only = on")))


SECRET = "hunter2"
WRONG_URLS = {
    "no such database": "postgresql://postgres:{}@/nowhere?host={}",
    "no such server": "postgresql://postgres:{}@127.0.0.1:9/postgres",
    "no slashes": "postgresql:postgres:{}@/postgres",
    "a slash": "postgresql://postgres:a/{}@127.0.0.1:9/postgres",
    "an at sign": "postgresql://postgres:a@{}@127.0.0.1:9/postgres",
    "a percent sign": "postgresql://postgres:{}%@127.0.0.1:9/postgres",
    "a question mark": "postgresql://postgres:a?{}@127.0.0.1:9/postgres",
    "a colon": "postgresql://postgres:a:{}@127.0.0.1:9/postgres",
    "a hash": "postgresql://postgres:#{}@127.0.0.1:9/postgres",
    "a bracket": "postgresql://postgres:[{}@127.0.0.1:9/postgres",
    "a blank": "postgresql://postgres: {}@127.0.0.1:9/postgres",
    "in the query": "postgresql://127.0.0.1:9/postgres?pasword={}",
}


@pytest.mark.parametrize("url", WRONG_URLS.values(), ids=WRONG_URLS)
@pytest.mark.parametrize("opens", [postgres_log, postgres_reader])
async def test_a_password_is_in_no_error(postgres: Postgres, url: str, opens: Callable[[str], Any]) -> None:
    """However wrong a URL is, the error does not contain its password: errors are logged and shown to people."""
    with pytest.raises(CannotOpenLog) as raised:
        async with opens(url.format(SECRET, postgres.folder)):
            pass

    assert SECRET not in "".join(traceback.format_exception(raised.value))


async def server_without_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a client in, as PostgreSQL does without a password, and answer nothing more."""
    while (await reader.readexactly(8))[4:] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # asks for TLS or GSSAPI
        writer.write(b"N")
    writer.write(b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I")
    await reader.read()
    writer.close()


async def test_the_error_of_a_server_that_does_not_answer_says_how_long_it_was_waited_for() -> None:
    """After a tenth of a second the error does not speak of the ten minutes that a migration may take."""
    async with await asyncio.start_server(server_without_answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CannotOpenLog, match=r"cannot be opened: no answer within 0\.1 s\.$"):
            async with postgres_log(f"postgresql://chatr@127.0.0.1:{port}/chatr", PostgresTimeouts(operation=0.1)):
                pass
