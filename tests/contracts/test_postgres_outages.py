"""Appends and tails survive failures of the PostgreSQL server, of its processes and of the network."""

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

from chatr.adapters.stores.postgres.log import PostgresLog, postgres_log
from chatr.adapters.stores.postgres.server import LOCK, prepare
from chatr.adapters.stores.postgres.session import DEFAULT_TIMEOUTS, PostgresTimeouts
from chatr.ports import Draft, LogUnavailable, OutcomeUnknown, Stored
from chatr.testing.contract.steps import append_many, new_draft, read_all, read_tail, run_event_loop
from tests.postgres import Postgres
from tests.postgres_proxy import CutPoint, Proxy, run_proxy

SHORT_TIMEOUTS: Final = PostgresTimeouts(operation=0.5, retry_append=0.3, lock=0.3)


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new, empty log."""
    return postgres.log()


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    """A proxy to the server."""
    async with run_proxy(postgres.socket) as proxy:
        yield proxy


@pytest.fixture
async def log(url: str, proxy: Proxy) -> AsyncIterator[PostgresLog]:
    """A log that is reached through the proxy."""
    async with postgres_log(proxy.url_through(url)) as log:
        yield log


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that the tests of this module may stop."""
    server = Postgres("fsync=off")
    yield server
    server.close()


async def append_with_retries(log: PostgresLog, draft: Draft) -> Stored:
    """Append a draft again and again, until it is known to be stored."""
    while True:
        try:
            return await log.append(draft, expected=0)
        except (LogUnavailable, OutcomeUnknown):
            # A log that was closed rejects at once: without a pause a failed test would never end.
            await asyncio.sleep(0)


async def append_400(log: PostgresLog) -> list[Stored]:
    """Append 100 records by each of four concurrent writers, and return them in the order of the log."""

    async def write() -> list[Stored]:
        return [await append_with_retries(log, new_draft()) for _ in range(100)]

    stored = chain.from_iterable(await asyncio.gather(*(write() for _ in range(4))))
    return sorted(stored, key=lambda each: each.position)


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_a_restart_of_the_server_loses_and_duplicates_no_record(
    own_server: Postgres, stop_signal: signal.Signals
) -> None:
    """Writers and tails reconnect, and each acknowledged record is in the log once."""
    async with postgres_log(own_server.log()) as log:
        tailing = asyncio.create_task(read_tail(log, 400))
        writing = asyncio.create_task(append_400(log))
        await read_tail(log, 20)
        await own_server.restart(stop_signal)

        assert await writing == await read_all(log) == await tailing


async def test_a_killed_server_process_loses_and_duplicates_no_record(own_server: Postgres) -> None:
    """PostgreSQL ends all sessions and recovers when one of its processes is killed; the log reconnects."""
    async with postgres_log(own_server.log()) as log:
        writing = asyncio.create_task(append_400(log))
        await read_tail(log, 20)
        # The log's own records come without a notification, so its listener may still be about to connect.
        query = "select pid from pg_stat_activity where query = 'listen chatr_log'"
        while not (listening := own_server.execute(query)):  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0)
        os.kill(listening[0][0], signal.SIGKILL)

        assert await writing == await read_all(log)


@pytest.mark.parametrize(
    "statement", [b"pg_advisory_xact_lock", b"insert into log", b"COMMIT"], ids=["lock", "insert", "commit"]
)
@pytest.mark.parametrize("point", CutPoint, ids=lambda point: point.name.lower())
async def test_an_append_whose_connection_is_cut_is_stored_once(
    log: PostgresLog, proxy: Proxy, statement: bytes, point: CutPoint
) -> None:
    """Wherever the connection breaks during an append, the record is stored once."""
    cut = proxy.cut_at(statement, point)
    [stored] = await append_many(log, 1)

    assert cut.is_set()
    assert [stored] == await read_all(log)


async def test_an_append_succeeds_after_an_idle_connection_was_cut(log: PostgresLog, proxy: Proxy) -> None:
    """An append succeeds although its connection broke between two appends."""
    written = await append_many(log, 1)
    proxy.cut()
    written += await append_many(log, 1)

    assert written == await read_all(log)


async def test_an_append_cut_while_it_waits_for_the_lock_is_stored_once(
    log: PostgresLog, proxy: Proxy, url: str
) -> None:
    """The server's process of the lost connection gets the lock as well, while the repetition waits for it."""
    with closing(psycopg.connect(url)) as holder:
        holder.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        cut = proxy.cut_at(b"pg_advisory_xact_lock", CutPoint.BEFORE_PROCESSING)
        appending = asyncio.create_task(append_many(log, 1))
        await cut.wait()
    [stored] = await appending

    assert [stored] == await read_all(log)


@pytest.mark.parametrize("point", CutPoint, ids=lambda point: point.name.lower())
async def test_a_commit_that_may_have_happened_is_unknown_and_settled_by_another_node(
    url: str, proxy: Proxy, point: CutPoint
) -> None:
    """An append that lost the server during its commit raises OutcomeUnknown; repeated on any node it is stored
    once.
    """
    draft = new_draft()
    async with postgres_log(proxy.url_through(url), SHORT_TIMEOUTS) as cut_off, postgres_log(url) as other:
        written = await append_many(cut_off, 1)
        proxy.cut_at(b"COMMIT", point)
        proxy.server = None
        with pytest.raises(OutcomeUnknown):
            await cut_off.append(draft, expected=0)
        written.append(await other.append(draft, expected=0))

        assert written == await read_all(other)


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_a_wait_for_a_standby_that_was_ended_acknowledges_nothing(own_server: Postgres, end: str) -> None:
    """An append whose wait for the standby is ended by an operator raises OutcomeUnknown, though the server has
    committed it, with a warning that its role does not want to see.
    """
    url = own_server.log(user=own_server.role("client_min_messages = 'error'"))
    async with postgres_log(url, SHORT_TIMEOUTS) as log:
        await append_many(log, 1)
        own_server.execute("alter system set synchronous_standby_names = 'nobody'")
        own_server.execute("select pg_reload_conf()")
        appending = asyncio.create_task(first_error(log))
        waiting = f"select {end}(pid) from pg_stat_activity where wait_event = 'SyncRep'"
        while not appending.done():
            await asyncio.to_thread(own_server.execute, waiting)
        own_server.execute("alter system reset synchronous_standby_names")
        own_server.execute("select pg_reload_conf()")

    assert isinstance(appending.result(), OutcomeUnknown)


async def first_error(log: PostgresLog) -> Exception | None:
    """Append until that fails, and return the error: commits wait for standbys soon after the setting was changed."""
    for _ in range(1_000):
        try:
            await log.append(new_draft(), expected=0)
        except (LogUnavailable, OutcomeUnknown) as error:
            return error
    return None


@pytest.mark.parametrize("failure", [Proxy.close, Proxy.hold], ids=["closed", "held"])
async def test_without_a_server_every_append_fails_in_time(
    url: str, proxy: Proxy, failure: Callable[[Proxy], None]
) -> None:
    """Whether connections are rejected or not answered, all of 1,000 appends raise LogUnavailable in time."""
    loop = asyncio.get_running_loop()
    async with postgres_log(proxy.url_through(url), SHORT_TIMEOUTS) as log:
        failure(proxy)
        deadline = loop.time() + SHORT_TIMEOUTS.retry_append + SHORT_TIMEOUTS.operation
        results = await asyncio.gather(
            *(log.append(new_draft(), expected=0) for _ in range(1000)), return_exceptions=True
        )
        seconds_late = loop.time() - deadline

    assert {type(result) for result in results} == {LogUnavailable}
    assert seconds_late < 1


def test_an_append_takes_at_most_five_seconds() -> None:
    """The default time-outs bound an append to five seconds, which agents are promised."""
    assert DEFAULT_TIMEOUTS.retry_append + DEFAULT_TIMEOUTS.operation <= 5


@pytest.mark.parametrize("failure", [Proxy.close, Proxy.hold], ids=["closed", "held"])
async def test_a_log_reconnects_by_itself(url: str, proxy: Proxy, failure: Callable[[Proxy], None]) -> None:
    """When the server is reachable again, appends succeed, and tails resume where they were."""
    async with postgres_log(proxy.url_through(url), SHORT_TIMEOUTS) as log, postgres_log(url) as other:
        written = await append_many(log, 1)
        tailing = asyncio.create_task(read_tail(log, 3))
        server = proxy.server
        failure(proxy)
        draft = new_draft()
        # What was sent before the failure showed may still arrive.
        with pytest.raises((LogUnavailable, OutcomeUnknown)):
            await log.append(draft, expected=0)
        written += await append_many(other, 1)
        proxy.server = server
        proxy.release()
        written.append(await append_with_retries(log, draft))

        assert {each.position: each for each in written} == {each.position: each for each in await tailing}


@pytest.mark.long
async def test_a_host_that_does_not_answer_does_not_hide_the_next(url: str, proxy: Proxy) -> None:
    """The primary is found though another host, which takes longer to fail than an append may take, is listed first."""
    with socket.create_server(("127.0.0.1", 0)) as unanswering:
        ports = f"{unanswering.getsockname()[1]},{proxy.port}"
        hosts = f"host=127.0.0.1,127.0.0.1&port={ports}&target_session_attrs=read-write"
        async with postgres_log(re.sub("host=[^&]*", hosts, url), SHORT_TIMEOUTS) as log:
            tailing = asyncio.create_task(read_tail(log, 1))

            assert [await append_with_retries(log, new_draft())] == await tailing


async def test_a_cancelled_read_does_not_wait_for_the_server(log: PostgresLog, proxy: Proxy) -> None:
    """A cancelled read ends the connection, and does not wait for an answer to a cancel request."""
    await log.head()
    proxy.hold()
    reading = asyncio.create_task(log.head())
    await run_event_loop(5)
    reading.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait([reading])

    assert reading.cancelled()


@pytest.mark.long
async def test_no_append_returns_before_the_standby_has_confirmed(own_server: Postgres) -> None:
    """With synchronous replication but no standby no append returns, not even if its record can be read, because the
    primary was restarted meanwhile.
    """
    url, draft = own_server.log(), new_draft()
    await prepare(url, DEFAULT_TIMEOUTS)
    own_server.execute("alter system set synchronous_standby_names = 'nobody'")
    await own_server.restart()
    async with postgres_log(url, SHORT_TIMEOUTS) as log:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await log.append(draft, expected=0)
            await own_server.restart(signal.SIGQUIT)
        visible = await read_all(log)
        own_server.execute("alter system reset synchronous_standby_names")
        await own_server.restart()

        assert visible == [await append_with_retries(log, draft)]
