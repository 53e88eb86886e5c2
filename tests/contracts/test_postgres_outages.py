"""What becomes of appends and followers when the server, one of its processes or the way to it fails."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from itertools import chain
from typing import Final

import psycopg
import pytest

from chatr.adapters.postgres import PostgresLog, postgres_log
from chatr.adapters.postgres_server import LOCK, prepare
from chatr.adapters.postgres_session import PATIENCE, Patience
from chatr.ports import Draft, Stored, Unavailable, Unknown
from chatr.testing.contract.steps import draft, everything, fill, followed, turns
from tests.postgres import Postgres
from tests.proxy import Moment, Proxy, proxy

HURRIED: Final = Patience(answer=0.5, draft=0.3, lock=0.3)


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


async def insist(log: PostgresLog, asked: Draft) -> Stored:
    """Append a draft again and again, until it is known to be stored."""
    while True:
        try:
            return await log.append(asked, expected=0)
        except (Unavailable, Unknown):
            pass


async def busy(log: PostgresLog) -> list[Stored]:
    """What four writers were told, in the order of the log."""

    async def write() -> list[Stored]:
        return [await insist(log, draft()) for _ in range(100)]

    told = chain.from_iterable(await asyncio.gather(*(write() for _ in range(4))))
    return sorted(told, key=lambda each: each.position)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_a_server_that_is_restarted_loses_and_doubles_nothing(mortal: Postgres, how: signal.Signals) -> None:
    """Writers and followers find the server again, and what was acknowledged is there once."""
    async with postgres_log(mortal.log()) as log:
        following = asyncio.create_task(followed(log, 400))
        writing = asyncio.create_task(busy(log))
        await followed(log, 20)
        await mortal.restart(how)

        assert await writing == await everything(log) == await following


async def test_a_backend_that_is_killed_loses_and_doubles_nothing(mortal: Postgres) -> None:
    """PostgreSQL ends all sessions when one of its processes was killed, and recovers; and so does the log."""
    async with postgres_log(mortal.log()) as log:
        writing = asyncio.create_task(busy(log))
        await followed(log, 20)
        [(victim,)] = mortal.do("select pid from pg_stat_activity where query = 'listen chatr_log'")
        os.kill(victim, signal.SIGKILL)

        assert await writing == await everything(log)


@pytest.mark.parametrize(
    "word", [b"pg_advisory_xact_lock", b"insert into log", b"COMMIT"], ids=["lock", "insert", "commit"]
)
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
        written = await fill(lost, 1)
        line.cut_at(b"COMMIT", moment)
        line.server = None
        with pytest.raises(Unknown):
            await lost.append(asked, expected=0)
        written.append(await other.append(asked, expected=0))

        assert written == await everything(other)


@pytest.mark.parametrize("trouble", [Proxy.close, Proxy.hold], ids=["refused", "silent"])
async def test_without_a_server_every_append_is_answered_in_time(
    url: str, line: Proxy, trouble: Callable[[Proxy], None]
) -> None:
    """Whether the server turns everybody away or says nothing: all are told that nothing was stored, also the last."""
    loop = asyncio.get_running_loop()
    async with postgres_log(line.way_to(url), HURRIED) as log:
        trouble(line)
        latest = loop.time() + HURRIED.draft + HURRIED.answer
        answers = await asyncio.gather(*(log.append(draft(), expected=0) for _ in range(1000)), return_exceptions=True)
        late = loop.time() - latest

    assert {type(answer) for answer in answers} == {Unavailable}
    assert late < 1


def test_an_append_is_answered_within_five_seconds() -> None:
    """That is what agents are promised, whatever happens to the store."""
    assert PATIENCE.draft + PATIENCE.answer <= 5


@pytest.mark.parametrize("trouble", [Proxy.close, Proxy.hold], ids=["refused", "silent"])
async def test_a_log_heals_by_itself(url: str, line: Proxy, trouble: Callable[[Proxy], None]) -> None:
    """When the server is there again, writers and followers go on where they were."""
    async with postgres_log(line.way_to(url), HURRIED) as log, postgres_log(url) as other:
        written = await fill(log, 1)
        following = asyncio.create_task(followed(log, 3))
        server = line.server
        trouble(line)
        with pytest.raises(Unavailable):
            await fill(log, 1)
        written += await fill(other, 1)
        line.server = server
        line.release()
        written.append(await insist(log, draft()))

        assert written == await following


async def test_a_host_that_is_gone_does_not_hide_the_next(url: str, line: Proxy) -> None:
    """A host that does not answer takes longer to fail than an append may take: the primary is found all the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = f"{silent.getsockname()[1]},{line.port}"
        hosts = f"host=127.0.0.1,127.0.0.1&port={ports}&target_session_attrs=read-write"
        async with postgres_log(re.sub("host=[^&]*", hosts, url), HURRIED) as log:
            following = asyncio.create_task(followed(log, 1))

            assert [await insist(log, draft())] == await following


async def test_who_gives_up_reading_does_not_wait_for_a_silent_server(log: PostgresLog, line: Proxy) -> None:
    """A request that is abandoned ends at once: the connection is ended, and the server is not asked first."""
    await log.head()
    line.hold()
    reading = asyncio.create_task(log.head())
    await turns(5)
    reading.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait([reading])

    assert reading.cancelled()


async def test_nothing_is_acknowledged_that_a_standby_has_not_confirmed(mortal: Postgres) -> None:
    """With synchronous replication and no standby nobody is told that a record is stored; not even when the record is
    to be seen, because the primary was restarted meanwhile.
    """
    url, asked = mortal.log(), draft()
    await prepare(url, PATIENCE)
    mortal.do("alter system set synchronous_standby_names = 'nobody'")
    await mortal.restart()
    async with postgres_log(url, HURRIED) as log:
        for _ in range(2):
            with pytest.raises(Unknown):
                await log.append(asked, expected=0)
            await mortal.restart(signal.SIGQUIT)
        seen = await everything(log)
        mortal.do("alter system reset synchronous_standby_names")
        await mortal.restart()

        assert seen == [await insist(log, asked)]
