"""What becomes of appends and followers when the server, one of its processes or the way to it fails."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Final

import psycopg
import pytest

from chatr.adapters.postgres import PostgresLog, postgres_log
from chatr.adapters.postgres_server import LOCK
from chatr.adapters.postgres_session import Patience
from chatr.ports import Stored, Unavailable, Unknown
from chatr.testing.contract.steps import draft, everything, fill, followed
from tests.postgres import Postgres
from tests.proxy import Moment, Proxy, proxy

HURRIED: Final = Patience(answer=0.5, draft=0.3, lock=0.3)
PROMISED: Final = 5.0
"""Seconds within which an append has an answer, whatever happens."""


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.log()


@pytest.fixture
async def line(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with proxy(postgres.socket) as line:
        yield line


@pytest.fixture
async def log(url: str, line: Proxy) -> AsyncIterator[PostgresLog]:
    async with postgres_log(line.way_to(url)) as log:
        yield log


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A server that may be ended."""
    server = Postgres("fsync=off")
    yield server
    server.close()


async def insist(log: PostgresLog) -> Stored:
    """Append a draft, again and again until it is known to be stored."""
    asked = draft()
    while True:
        try:
            return await log.append(asked, expected=0)
        except (Unavailable, Unknown):
            pass


async def busy(log: PostgresLog) -> list[Stored]:
    """What four writers were told, in the order of the log."""

    async def write() -> list[Stored]:
        return [await insist(log) for _ in range(100)]

    told = sum(await asyncio.gather(*(write() for _ in range(4))), [])
    return sorted(told, key=lambda each: each.position)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_a_server_that_is_restarted_loses_and_doubles_nothing(mortal: Postgres, how: signal.Signals) -> None:
    """Writers and followers find the server again, and what was acknowledged is there once."""
    async with postgres_log(mortal.log()) as log:
        following = asyncio.create_task(followed(log, 400))
        writing = asyncio.create_task(busy(log))
        await followed(log, 20)
        await asyncio.to_thread(mortal.restart, how)

        assert await writing == await everything(log) == await following


async def test_a_backend_that_is_killed_loses_and_doubles_nothing(mortal: Postgres) -> None:
    """PostgreSQL ends all sessions when one of its processes was killed, and recovers; and so does the log."""
    async with postgres_log(mortal.log()) as log:
        writing = asyncio.create_task(busy(log))
        await followed(log, 20)
        [(victim,)] = mortal.do("select pid from pg_stat_activity where query = 'listen chatr_log'")
        os.kill(victim, signal.SIGKILL)

        assert await writing == await everything(log)


@pytest.mark.parametrize("word", [b"pg_advisory_xact_lock", b"insert into log", b"COMMIT"], ids=["lock", "insert", "commit"])
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name.lower())
async def test_an_append_whose_connection_is_cut_is_stored_once(
    log: PostgresLog, line: Proxy, word: bytes, moment: Moment
) -> None:
    """Whichever statement did not reach the server, or whichever answer did not come back."""
    blown = line.cut_at(word, moment)
    [stored] = await fill(log, 1)

    assert blown.is_set()
    assert [stored] == await everything(log)


async def test_a_cut_between_two_appends_is_not_noticed(log: PostgresLog, line: Proxy) -> None:
    """A connection that broke while nobody used it costs nobody anything."""
    written = await fill(log, 1)
    line.cut()
    written += await fill(log, 1)

    assert written == await everything(log)


async def test_who_is_lost_while_they_wait_for_the_lock_is_stored_once(log: PostgresLog, line: Proxy, url: str) -> None:
    """The backend that was left behind gets the lock as well, when the draft has been sent again and waits for it."""
    with closing(psycopg.connect(url)) as holder:
        holder.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        blown = line.cut_at(b"pg_advisory_xact_lock", Moment.HEARD)
        appending = asyncio.create_task(fill(log, 1))
        await blown.wait()
    [stored] = await appending

    assert [stored] == await everything(log)


@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name.lower())
async def test_what_is_not_known_is_told_as_unknown_and_may_be_asked_of_another_node(
    url: str, line: Proxy, moment: Moment
) -> None:
    """A node that lost the server in the middle of a commit does not guess; any node makes sure for it."""
    asked = draft()
    async with postgres_log(line.way_to(url), HURRIED) as lost, postgres_log(url) as other:
        line.cut_at(b"COMMIT", moment)
        line.server = None
        with pytest.raises(Unknown):
            await lost.append(asked, expected=0)
        stored = await other.append(asked, expected=0)

        assert [stored] == await everything(other)


@pytest.mark.parametrize("trouble", [Proxy.close, Proxy.hold], ids=["refused", "silent"])
async def test_without_a_server_an_append_ends_in_time(log: PostgresLog, line: Proxy, trouble: object) -> None:
    """Whether the server refuses or does not answer, whoever came first or last: nothing was stored, and all know."""
    await fill(log, 1)
    ...
