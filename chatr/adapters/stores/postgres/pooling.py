"""Finds out whether a connection pooler gives each client a session of its own, for as long as it is connected."""

import asyncio
from typing import Final

import psycopg

from chatr.adapters.stores.postgres.session import Connection, PostgresTimeouts, connect
from chatr.adapters.stores.postgres.session_settings import UnusableSession

ROUNDS: Final = 3
"""How often the two connections compete. Once is enough, unless another client of the pooler takes the session."""
NOT_KEPT: Final = (
    "a connection pooler gives each transaction another session, so settings and notifications are lost: set "
    "pool_mode = session in the pooler, or connect to PostgreSQL itself"
)
NO_SECOND_SESSION: Final = (
    "the connection pooler gave no second session within {:g} s: set pool_mode = session in it, and pool_size to at "
    "least 3 for each node, or connect to PostgreSQL itself"
)


async def check_session_is_exclusive(db: Connection, url: str, timeouts: PostgresTimeouts) -> None:
    """Raise UnusableSession if `db`, which is in no transaction, leads to a pooler that gives its session to others.

    Raises psycopg.Error or OSError if a second connection to `url` cannot be opened.
    """
    # A pooler answers a new connection with a process number of its own, before it has chosen a session.
    if await process_of(db) == db.info.backend_pid:
        return
    try:
        async with asyncio.timeout(timeouts.operation), await connect(url, timeouts) as other:
            for _ in range(ROUNDS):
                await compete(db, other)
    except TimeoutError:
        raise UnusableSession(NO_SECOND_SESSION.format(timeouts.operation)) from None


async def compete(db: Connection, other: Connection) -> None:
    """Raise UnusableSession if `db` has another session after `other` has begun a transaction."""
    # A pooler gives the transaction of `other` either the session that `db` has just used, or one that it would
    # otherwise have given to `db` next: its free sessions are a stack or a queue.
    before = await process_of(db)
    try:
        await other.execute("begin")
        after = await process_of(db)
        await other.execute("rollback")
    # In statement mode a pooler rejects transactions.
    except psycopg.Error as error:
        raise UnusableSession(NOT_KEPT) from error
    if before != after:
        raise UnusableSession(NOT_KEPT)


async def process_of(db: Connection) -> int:
    """Return the number of the server's process that executes the statements of `db`."""
    # Never prepared: a statement that one session has prepared is unknown in another.
    ((number,),) = await (await db.execute("select pg_backend_pid()", prepare=False)).fetchall()
    return int(number)
