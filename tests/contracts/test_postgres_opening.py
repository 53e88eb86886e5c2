"""How a log in PostgreSQL is opened: what of a server is needed, and how its schema is brought up to date."""

import asyncio
import shutil
import traceback
from collections.abc import Callable
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import pytest

from chatr import schema
from chatr.adapters.postgres import postgres_log, postgres_reader
from chatr.ports import Unusable
from chatr.schema import SchemaTooNew
from chatr.testing.contract.steps import everything, fill
from tests.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.log()


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations like the real one, to which a next one can be added."""
    with as_file(schema.folder() / "postgres") as real:
        shutil.copytree(real, tmp_path / "postgres")
    monkeypatch.setattr(schema, "folder", lambda: tmp_path)
    return tmp_path / "postgres"


async def opened(url: str) -> None:
    async with postgres_log(url):
        pass


def versions(postgres: Postgres, url: str) -> list[int]:
    return [version for (version,) in postgres.do("select version from schema_version order by version", url)]


def tables(postgres: Postgres, url: str) -> set[str]:
    found = postgres.do("select tablename from pg_tables where schemaname = current_schema()", url)
    return {name for (name,) in found} - {"schema_version"}


async def test_a_new_log_has_the_newest_schema(postgres: Postgres, url: str) -> None:
    """Each script is run once, however often the log is opened."""
    for _ in range(2):
        await opened(url)

    assert versions(postgres, url) == [number for number, _ in schema.scripts("postgres", 0)]


async def test_nodes_that_start_together_make_one_log(postgres: Postgres, url: str) -> None:
    """The first makes the tables, the others wait for it."""
    await asyncio.gather(*(opened(url) for _ in range(5)))

    assert (versions(postgres, url), tables(postgres, url)) == ([1], {"log"})


async def test_an_older_log_is_brought_up_to_date_and_keeps_its_records(
    postgres: Postgres, url: str, migrations: Path
) -> None:
    """A new version of chatr opens an old log; only what is missing is run."""
    async with postgres_log(url) as log:
        written = await fill(log, 3)
    (migrations / "0002_next.sql").write_text("-- Next.\ncreate table next (a int);\ncreate table more (a int);\n")
    async with postgres_log(url) as log:
        found = await everything(log)

    assert (written, [1, 2], {"log", "next", "more"}) == (found, versions(postgres, url), tables(postgres, url))


async def test_a_failing_migration_leaves_the_log_as_it_was(postgres: Postgres, url: str, migrations: Path) -> None:
    """A migration is all or nothing, and the older version of chatr still opens the log."""
    async with postgres_log(url) as log:
        written = await fill(log, 3)
    (migrations / "0002_next.sql").write_text("create table next (a int);\ninsert into nowhere values (1);\n")
    with pytest.raises(Unusable, match="nowhere"):
        await opened(url)
    (migrations / "0002_next.sql").unlink()
    async with postgres_log(url) as log:
        found = await everything(log)

    assert (written, [1], {"log"}) == (found, versions(postgres, url), tables(postgres, url))


@pytest.mark.parametrize("opens", [postgres_log, postgres_reader])
async def test_a_log_of_a_newer_chatr_is_refused(postgres: Postgres, url: str, opens: Callable[[str], Any]) -> None:
    """What a newer version may have stored, this one neither touches nor explains."""
    await opened(url)
    postgres.do("insert into schema_version values (99)", url)
    with pytest.raises(SchemaTooNew, match=r"schema 99.*newer.*\.$"):
        async with opens(url):
            pass

    assert versions(postgres, url) == [1, 99]


async def test_a_reader_makes_no_log(postgres: Postgres, url: str) -> None:
    """Whoever looks into the wrong database is told so, and leaves no table in it."""
    with pytest.raises(Unusable, match=r"^There is no log in this PostgreSQL database: .*\.$"):
        async with postgres_reader(url):
            pass

    assert not tables(postgres, url)


async def test_a_database_that_is_not_in_utf8_is_refused(postgres: Postgres) -> None:
    """Not every character could be stored in it."""
    name = postgres.database("template template0 encoding LATIN1 locale 'C'")
    with pytest.raises(Unusable, match=r"^The log in PostgreSQL cannot be used: its encoding is LATIN1: .*UTF8\.$"):
        await opened(postgres.url(name))


@pytest.mark.parametrize("how", ["role", "URL"])
async def test_a_server_that_does_not_flush_is_refused(postgres: Postgres, url: str, how: str) -> None:
    """Where commits are acknowledged before they are on disk, chatr would acknowledge what can be lost."""
    role = postgres.log(user=postgres.role("synchronous_commit = off"))
    asked = role if how == "role" else f"{url}%20-csynchronous_commit%3Doff"
    with pytest.raises(Unusable, match=r"^The log in PostgreSQL .* synchronous_commit is off, .* set it to on\.$"):
        await opened(asked)


async def test_a_role_that_may_not_write_is_refused(postgres: Postgres) -> None:
    """An operator who made transactions read-only by default hears of it at once."""
    with pytest.raises(Unusable, match="takes no writes"):
        await opened(postgres.log(user=postgres.role("default_transaction_read_only = on")))


SECRET = "hunter2"
BROKEN = {
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


@pytest.mark.parametrize("url", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("opens", [postgres_log, postgres_reader])
async def test_a_password_is_in_no_error(postgres: Postgres, url: str, opens: Callable[[str], Any]) -> None:
    """Errors are written into logs and shown to people: however wrong a URL is, its password is not repeated."""
    with pytest.raises(Unusable) as refused:
        async with opens(url.format(SECRET, postgres.folder)):
            pass

    assert SECRET not in "".join(traceback.format_exception(refused.value))
