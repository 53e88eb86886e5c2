"""Connections to PostgreSQL on which no wait is for ever, and none is cancelled in the middle of a commit."""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from attrs import frozen
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from chatr.ports import Unavailable, Unusable

NETWORK: Final = {
    "connect_timeout": 2,
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""What a peer that vanished is noticed by, where the URL says nothing else."""
ANY_HOST: Final = {"load_balance_hosts": "random"}
"""Of hosts that are told apart by what they are, the first is not always tried first: one that is gone takes longer
to fail than anybody may wait, and would hide the others.
"""
MALFORMED: Final = (
    "--log is no PostgreSQL URL: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
    "with %XX for special characters in the password."
)

Connection = AsyncConnection[TupleRow]
Answer = TypeVar("Answer")
Question = Callable[[Connection], Coroutine[Any, Any, Answer]]


@frozen
class Patience:
    """Seconds. `draft` is how old a draft may be that is tried again, so `draft` and `answer` bound an append.

    `lock` bounds the wait for those who append, and for how long one of them may hold the others up. `poll` lies
    between two looks at the log: a notification only makes it faster. `pause` lies between two tries to reach it.
    """

    answer: float = 2.0
    draft: float = 3.0
    lock: float = 1.5
    poll: float = 1.0
    pause: float = 0.1


PATIENCE: Final = Patience()


def conninfo(url: str) -> str:
    """How to connect. Raises Unusable, which does not repeat what may hold a password, as libpq would."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise Unusable(MALFORMED) from None
    ports = str(given.get("port") or "").split(",")
    if "@" in str(given.get("host")) or not all(port.isdigit() or not port for port in ports):
        raise Unusable(MALFORMED)
    return make_conninfo("", **(NETWORK | (ANY_HOST if "target_session_attrs" in given else {}) | given))


async def connect(url: str, patience: Patience) -> Connection:
    connection = await AsyncConnection.connect(conninfo(url), autocommit=True)
    try:
        async with asyncio.timeout(patience.answer):
            await uncancelled(connection, set_up(connection, patience))
    except BaseException:
        await connection.close()
        raise
    return connection


async def set_up(connection: Connection, patience: Patience) -> None:
    """By statements: poolers do not pass on what is asked for when a session begins."""
    settings = {
        "lock_timeout": milliseconds(patience.lock),
        "statement_timeout": milliseconds(patience.answer),
        "idle_in_transaction_session_timeout": milliseconds(patience.lock),
        "default_transaction_isolation": "'read committed'",
    }
    await connection.execute("; ".join(f"set {name} = {value}" for name, value in settings.items()).encode())


def milliseconds(seconds: float) -> str:
    return str(round(1000 * seconds))


async def uncancelled(connection: Connection, asking: Coroutine[Any, Any, Answer]) -> Answer:
    """Who gives up hangs up. psycopg would ask the server to cancel, and it answers that to a COMMIT which waits for
    its standbys by letting it stand without them.
    """
    working = asyncio.create_task(asking)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        hang_up(connection)
        await asyncio.gather(working, return_exceptions=True)
        raise


def hang_up(connection: Connection) -> None:
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class Session:
    """One connection, used by one at a time, and opened anew after any error."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._url = url
        self._patience = patience
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._closed = False

    async def ask(self, question: Question[Answer], *, again: bool = False) -> Answer:
        """Raises Unavailable, whatever the server or the way to it had. What may be asked `again` is, on a connection
        that broke while nobody used it.
        """
        try:
            async with asyncio.timeout(self._patience.answer), self._turn:
                return await self._asked(question, again=again and self._connection is not None)
        except TimeoutError as error:
            raise Unavailable(f"no answer within {self._patience.answer} s") from error
        except (psycopg.Error, OSError) as error:
            raise Unavailable(one_line(error)) from error

    async def _asked(self, question: Question[Answer], *, again: bool) -> Answer:
        if self._closed:
            raise Unavailable("the log is closed")
        try:
            if self._connection is None:
                self._connection = await connect(self._url, self._patience)
            return await uncancelled(self._connection, question(self._connection))
        except BaseException as error:
            await self._drop()
            if again and isinstance(error, psycopg.OperationalError):
                return await self._asked(question, again=False)
            raise

    async def rows(self, query: LiteralString, parameters: Sequence[object] = ()) -> list[TupleRow]:
        async def fetched(db: Connection) -> list[TupleRow]:
            return await (await db.execute(query, parameters)).fetchall()

        return await self.ask(fetched, again=True)

    async def renew(self) -> None:
        """The next question goes to whoever is the server then."""
        async with self._turn:
            await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        self._closed = True
        await self.renew()


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
