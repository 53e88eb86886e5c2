"""Connections to PostgreSQL on which every wait is bounded, and no commit is cancelled before it is answered."""

import asyncio
import logging
import os
import select
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from attrs import frozen
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from chatr.adapters.stores.postgres.session_settings import duration, set_up
from chatr.ports import CannotOpenLog, LogUnavailable

CONNECTION_DEFAULTS: Final[dict[str, str | int]] = {
    "connect_timeout": 2,
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "fallback_application_name": "chatr",
}
"""Parameters of libpq, unless the URL sets them: those by which a server that vanished is noticed, and the name that
`pg_stat_activity` shows. `tcp_user_timeout` is in milliseconds, the other times in seconds.
"""
RANDOM_HOST_ORDER: Final = {"load_balance_hosts": "random"}
"""Tries the hosts of a URL in random order. libpq's default order waits at least two seconds for each host, longer
than an append may take, so a first host that is down would hide the others for ever.
"""
MALFORMED_URL: Final = (
    "--log is no PostgreSQL URL: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
    "with %XX for special characters in the password. Only parameters of libpq may follow a question mark, not those "
    "of other drivers such as pgbouncer, schema or connection_limit."
)

# The error of a statement is raised. psycopg also warns that the server skipped what was sent after it, each time.
logging.getLogger("psycopg").setLevel(logging.ERROR)

Connection = AsyncConnection[TupleRow]
Result = TypeVar("Result")
Operation = Callable[[Connection], Coroutine[Any, Any, Result]]


@frozen
class PostgresTimeouts:
    """All in seconds.

    `operation` bounds one operation, the wait for the connection included. `retry_append` is the age up to which a
    failed append is tried again, so an append takes at most both together. `lock` bounds the wait for the lock of
    appends, and how long a stuck transaction may hold it. `poll_interval` lies between two reads of a tail if no
    notification arrives, `retry_pause` between two tries to reach the server.
    """

    operation: float = 2.0
    retry_append: float = 3.0
    lock: float = 1.5
    poll_interval: float = 1.0
    retry_pause: float = 0.1


DEFAULT_TIMEOUTS: Final = PostgresTimeouts()


def conninfo(url: str) -> str:
    """Return libpq's connection string for `url`. Raises CannotOpenLog, whose text never contains the password."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        # Not chained: libpq's own error quotes the URL.
        raise CannotOpenLog(MALFORMED_URL) from None
    ports = str(given.get("port") or "").split(",")
    # An unescaped "@" or ":" in a password makes a part of it the host or the port, which later errors would quote.
    if "@" in str(given.get("host")) or not all(port.isdigit() or not port for port in ports):
        raise CannotOpenLog(MALFORMED_URL)
    # Without a wanted kind of server, the order of the hosts may matter to the operator, and stays.
    host_order = RANDOM_HOST_ORDER if "target_session_attrs" in given else {}
    # Not only by a statement, as the others: errors may be sent before the first one.
    return make_conninfo("", **(CONNECTION_DEFAULTS | host_order | given | {"client_encoding": "UTF8"}))


async def connect(url: str, timeouts: PostgresTimeouts) -> Connection:
    """Open a connection in autocommit mode, with all settings that it depends on.

    Raises CannotOpenLog for a malformed URL, psycopg.Error, among them UnusableSession, or OSError.
    """
    connection = await AsyncConnection.connect(conninfo(url), autocommit=True)
    try:
        async with asyncio.timeout(timeouts.operation):
            await disconnect_if_cancelled(connection, set_up(connection, session_timeouts(timeouts)))
    # Also when cancelled: a connection that nobody holds would stay open until the server ends it.
    except BaseException:
        await connection.close()
        raise
    return connection


def session_timeouts(timeouts: PostgresTimeouts) -> dict[str, str]:
    """Return the time-outs of a session by the names of PostgreSQL's settings."""
    return {
        "lock_timeout": duration(timeouts.lock),
        "statement_timeout": duration(timeouts.operation),
        # Ends the session of a node that hangs between two statements while it holds the lock.
        "idle_in_transaction_session_timeout": duration(timeouts.lock),
    }


async def disconnect_if_cancelled(connection: Connection, operation: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of `operation`; if this is cancelled, shut down the connection's socket."""
    # psycopg would ask the server to cancel the statement. PostgreSQL answers that, for a COMMIT that waits for its
    # synchronous standbys, by committing without them: all nodes would see a record that a fail-over may lose.
    task = asyncio.create_task(operation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        shut_down_socket(connection)
        await asyncio.gather(task, return_exceptions=True)
        raise


def shut_down_socket(connection: Connection) -> None:
    """Shut down the connection's socket without sending anything to the server."""
    # A duplicate of the descriptor, since closing the Python socket must not close the one that psycopg owns.
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


def has_ended(connection: Connection) -> bool:
    """Return whether the server has closed the connection, as far as this machine knows."""
    poll = select.poll()
    poll.register(connection.fileno(), getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(0))


class Session:
    """One connection, used by one caller at a time, and opened anew by the first operation after any error."""

    def __init__(self, url: str, timeouts: PostgresTimeouts) -> None:
        self._url = url
        self._timeouts = timeouts
        self._in_use = asyncio.Lock()
        self._connection: Connection | None = None
        self._closed = False

    async def run(self, operation: Operation[Result], *, repeatable: bool = False) -> Result:
        """Run `operation` on the connection and return its result. Raises LogUnavailable for any error of the server or
        the network, also when the time is up.

        A `repeatable` operation is run again if the connection broke while nobody used it.
        """
        try:
            async with asyncio.timeout(self._timeouts.operation), self._in_use:
                return await self._run(operation, repeatable=repeatable and self._connection is not None)
        except TimeoutError as error:
            raise LogUnavailable(f"no answer within {self._timeouts.operation} s") from error
        # UnicodeError: psycopg cannot encode a text for this session.
        except (psycopg.Error, OSError, UnicodeError) as error:
            raise LogUnavailable(one_line(error)) from error

    async def _run(self, operation: Operation[Result], *, repeatable: bool) -> Result:
        if self._closed:
            raise LogUnavailable("the log is closed")
        try:
            # A statement sent to a server that has gone may have been executed, so this is looked at before.
            if self._connection is not None and has_ended(self._connection):
                await self._disconnect()
            if self._connection is None:
                self._connection = await connect(self._url, self._timeouts)
            return await disconnect_if_cancelled(self._connection, operation(self._connection))
        except BaseException as error:
            # Whatever the error was, the connection may be broken, or in the middle of a transaction.
            await self._disconnect()
            if repeatable and isinstance(error, psycopg.OperationalError):
                return await self._run(operation, repeatable=False)
            raise

    async def fetch_all(self, query: LiteralString, parameters: Sequence[object] = ()) -> list[TupleRow]:
        """Return all rows of a query that only reads. Raises LogUnavailable."""

        async def fetch(db: Connection) -> list[TupleRow]:
            return await (await db.execute(query, parameters)).fetchall()

        return await self.run(fetch, repeatable=True)

    async def reconnect(self) -> None:
        """Close the connection; the next operation opens one to the server that then answers at the URL."""
        async with self._in_use:
            await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        """Close the connection for good: from now on every operation raises LogUnavailable."""
        self._closed = True
        await self.reconnect()


def one_line(error: Exception) -> str:
    """Return the text of an error without line breaks, or its type if it has no text."""
    # Only the first sentence of the server: the details of a rejected record quote it, and logs would keep the text.
    sentence = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((sentence or str(error)).split()) or type(error).__name__
