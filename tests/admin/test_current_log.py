"""A log is opened for operators' commands only as it is: nothing is created and nothing is migrated."""

from pathlib import Path

import pytest

from chatr.adapters.stores.migrations import SchemaTooOld
from chatr.adapters.stores.sqlite.schema import check_schema_is_current
from chatr.adapters.stores.urls import open_current_log
from chatr.ports import CannotOpenLog
from tests.cli.conftest import LogFile
from tests.postgres import Postgres


async def test_an_older_schema_is_refused_and_not_migrated(log_file: LogFile, tmp_path: Path) -> None:
    """A log that lacks a migration of this version is left as it is."""
    migrations = tmp_path / "migrations"
    (migrations / "sqlite").mkdir(parents=True)
    for number in (1, 2):
        (migrations / "sqlite" / f"000{number}_table.sql").write_text("create table other (id integer);")
    before = log_file.path.read_bytes()

    with pytest.raises(SchemaTooOld, match=r"^The log has an older schema: start chatr serve of this version once"):
        await check_schema_is_current(log_file.path, migrations)
    assert log_file.path.read_bytes() == before


async def test_a_log_of_this_version_is_opened(log_file: LogFile) -> None:
    """A log that a node of this version has made can be written."""
    async with open_current_log(log_file.url) as log:
        assert await log.head() == 10


async def test_no_log_is_made_in_a_database(postgres: Postgres) -> None:
    """A database without a log is refused, and no table is created in it."""
    url = postgres.log()
    with pytest.raises(CannotOpenLog, match="There is no log in this PostgreSQL database: chatr serve makes one"):
        async with open_current_log(url):
            pass

    assert postgres.execute("select to_regclass('schema_version')", url) == [(None,)]


async def test_an_older_schema_in_a_database_is_refused(postgres: Postgres) -> None:
    """A log that lacks a migration of this version is not migrated."""
    url = postgres.log()
    postgres.execute("create table schema_version (version integer not null)", url)
    with pytest.raises(SchemaTooOld):
        async with open_current_log(url):
            pass

    assert postgres.execute("select to_regclass('log')", url) == [(None,)]
