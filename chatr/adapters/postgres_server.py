"""The server of a PostgreSQL log: checked, and brought up to date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from psycopg.errors import UndefinedTable

from chatr.adapters.postgres_session import Connection, Patience, connect, milliseconds, one_line
from chatr.ports import Unusable
from chatr.schema import scripts

LOCK: Final = 0x63686174
"""The advisory lock of those who append, in each database."""
MIGRATION: Final = 600.0
"""Seconds for which another node may be at work on the schema, or this one."""
WANTED: Final = {
    "server_encoding": ({"UTF8"}, "its encoding is {}: create the database with encoding UTF8"),
    "transaction_read_only": ({"off"}, "it takes no writes, as a hot standby does not: connect to the primary"),
    "synchronous_commit": (
        {"on", "local", "remote_write", "remote_apply"},
        "synchronous_commit is {}, so what was acknowledged could be lost: set it to on",
    ),
}
"""What a setting must be, and what is said otherwise."""


async def prepare(url: str, patience: Patience) -> None:
    """Check the server, and run the scripts that are missing, all in one transaction. Raises Unusable."""
    async with opened(url, patience) as db:
        await check(db)
        for bound in ("lock_timeout", "statement_timeout"):
            await db.execute(f"set {bound} = {milliseconds(MIGRATION)}".encode())
        await db.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        await db.execute("create table if not exists schema_version (version integer not null)")
        for number, script in scripts("postgres", await version(db)):
            await db.execute(script.encode())
            await db.execute("insert into schema_version values (%s)", (number,))


async def examine(url: str, patience: Patience) -> None:
    """Whether there is a log, and of a schema that is known. Raises Unusable."""
    async with opened(url, patience) as db:
        try:
            list(scripts("postgres", await version(db)))
        except UndefinedTable:
            raise Unusable("There is no log in this PostgreSQL database: chatr serve makes one.") from None


@asynccontextmanager
async def opened(url: str, patience: Patience) -> AsyncIterator[Connection]:
    """One transaction. Raises Unusable."""
    try:
        async with asyncio.timeout(MIGRATION), await connect(url, patience) as db, db.transaction():
            yield db
    except TimeoutError as error:
        raise Unusable(f"The log in PostgreSQL cannot be opened: no answer within {MIGRATION:.0f} s.") from error
    except (psycopg.Error, OSError) as error:
        raise Unusable(f"The log in PostgreSQL cannot be opened: {one_line(error).rstrip('.')}.") from error


async def version(db: Connection) -> int:
    ((newest,),) = await (await db.execute("select coalesce(max(version), 0) from schema_version")).fetchall()
    return int(newest)


async def check(db: Connection) -> None:
    """What chatr needs of a server. Raises Unusable."""
    for name, (fine, complaint) in WANTED.items():
        ((value,),) = await (await db.execute("select current_setting(%s)", (name,))).fetchall()
        if value not in fine:
            raise Unusable(f"The log in PostgreSQL cannot be used: {complaint.format(value)}.")
