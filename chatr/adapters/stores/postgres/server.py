"""Checks a PostgreSQL server before its log is used, and brings the log's schema up to date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources.abc import Traversable
from typing import Final

import psycopg
from psycopg.errors import UndefinedTable

from chatr.adapters.stores.migrations import SchemaTooOld, pending_migrations
from chatr.adapters.stores.postgres.log_table import check_table, check_table_is_readable
from chatr.adapters.stores.postgres.pooling import check_session_is_exclusive
from chatr.adapters.stores.postgres.session import (
    DEFAULT_TIMEOUTS,
    Connection,
    PostgresTimeouts,
    connect,
    one_line,
)
from chatr.adapters.stores.postgres.session_settings import UnusableSession, duration
from chatr.ports import CannotOpenLog

LOCK: Final = 0x63686174
"""The number of the advisory lock that appends and migrations take ("chat" in ASCII). Each database has its own."""
MIGRATION_TIMEOUT: Final = 600.0
"""Seconds that this node's migration may take, the wait for that of another node included."""
NO_LOG: Final = "There is no log in this PostgreSQL database: chatr serve makes one."
REQUIRED_SETTINGS: Final = {
    "server_encoding": ({"UTF8"}, "its encoding is {}: create the database with encoding UTF8"),
    "in_hot_standby": (
        {"off"},
        "it takes no writes, because it is a hot standby: connect to the primary (?target_session_attrs=read-write)",
    ),
    "transaction_read_only": (
        {"off"},
        "it takes no writes, because default_transaction_read_only is on: set it to off for this role and database",
    ),
    "synchronous_commit": (
        {"on", "local", "remote_write", "remote_apply"},
        "synchronous_commit is {}, so what was acknowledged could be lost: set it to on",
    ),
    "zero_damaged_pages": ({"off"}, "zero_damaged_pages is {}, so records could vanish unnoticed: set it to off"),
}
"""By name of a setting: the values that it may have, and the complaint about any other."""


async def prepare(url: str, timeouts: PostgresTimeouts, migrations: Traversable | None = None) -> None:
    """Check the server's settings, and run the scripts that are missing, all in one transaction. Raises CannotOpenLog.

    `migrations` is a folder to take instead of chatr's own.
    """
    async with transaction(url, timeouts) as db:
        await check_settings(db)
        for timeout in ("lock_timeout", "statement_timeout"):
            await db.execute(f"set {timeout} = '{duration(MIGRATION_TIMEOUT)}'".encode())
        # Nodes that start together migrate one after the other; the later ones find nothing left to do.
        await db.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        # Not by `if not exists`, for which a role would need the right to create tables also where there is one.
        if not await has_table(db, "schema_version"):
            await db.execute("create table schema_version (version integer not null)")
        for number, script in pending_migrations("postgres", await schema_version(db), migrations):
            await db.execute(script.encode())
            await db.execute("insert into schema_version values (%s)", (number,))
        await check_table(db)


async def check_log_exists(url: str, timeouts: PostgresTimeouts) -> None:
    """Raise CannotOpenLog if there is no log at `url`, or if a newer chatr has migrated it. Writes nothing."""
    async with transaction(url, timeouts) as db:
        try:
            list(pending_migrations("postgres", await schema_version(db)))
        except UndefinedTable:
            raise CannotOpenLog(NO_LOG) from None
        await check_table_is_readable(db)


async def check_schema_is_current(url: str, timeouts: PostgresTimeouts = DEFAULT_TIMEOUTS) -> None:
    """Raise CannotOpenLog unless there is a log at `url` with the schema of this version. Writes nothing."""
    async with transaction(url, timeouts) as db:
        try:
            behind = list(pending_migrations("postgres", await schema_version(db)))
        except UndefinedTable:
            raise CannotOpenLog(NO_LOG) from None
        if behind:
            raise SchemaTooOld


@asynccontextmanager
async def transaction(url: str, timeouts: PostgresTimeouts) -> AsyncIterator[Connection]:
    """Yield a connection of its own in a transaction, which is committed when the block ends. Raises CannotOpenLog."""
    seconds = timeouts.operation
    try:
        # The first time-out is that of connecting, the second one that of the transaction.
        connection = await connect(url, timeouts)
        seconds = MIGRATION_TIMEOUT
        async with asyncio.timeout(MIGRATION_TIMEOUT), connection as db:
            await check_session_is_exclusive(db, url, timeouts)
            async with db.transaction():
                yield db
    except UnusableSession as error:
        raise CannotOpenLog(f"The log in PostgreSQL cannot be used: {error}.") from error
    except TimeoutError as error:
        raise CannotOpenLog(f"The log in PostgreSQL cannot be opened: no answer within {seconds:g} s.") from error
    except (psycopg.Error, OSError) as error:
        raise CannotOpenLog(f"The log in PostgreSQL cannot be opened: {one_line(error).rstrip('.')}.") from error


async def schema_version(db: Connection) -> int:
    """Return the number of the last script that was run, or 0. Raises UndefinedTable if there is no log."""
    ((newest,),) = await (await db.execute("select coalesce(max(version), 0) from schema_version")).fetchall()
    return int(newest)


async def has_table(db: Connection, name: str) -> bool:
    """Return whether there is a table of this name in a schema of the search path."""
    ((found,),) = await (await db.execute("select to_regclass(%s) is not null", (name,))).fetchall()
    return bool(found)


async def check_settings(db: Connection) -> None:
    """Raise UnusableSession if a setting of the server, the database or the role is none that chatr can work with."""
    for name, (allowed, complaint) in REQUIRED_SETTINGS.items():
        ((value,),) = await (await db.execute("select current_setting(%s, true)", (name,))).fetchall()
        # Older versions of PostgreSQL do not have all of them.
        if value is not None and value not in allowed:
            raise UnusableSession(complaint.format(value))
