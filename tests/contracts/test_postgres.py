"""A PostgreSQL log works whatever other sessions of the server do: hold locks, vacuum, or leave transactions open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from random import Random
from typing import Final

import psycopg
import pytest
from psycopg.errors import IdleInTransactionSessionTimeout

from chatr.adapters.stores.postgres.commit import BEGIN, TAKE_LOCK
from chatr.adapters.stores.postgres.log import PostgresLog, postgres_log
from chatr.adapters.stores.postgres.server import LOCK
from chatr.adapters.stores.postgres.session import PostgresTimeouts, connect
from chatr.ports import LogUnavailable
from chatr.testing.contract.steps import append_many, new_draft, next_records, read_all, read_tail
from tests.postgres import Postgres
from tests.postgres_proxy import run_proxy

WITHOUT_POLLING: Final = PostgresTimeouts(poll_interval=3600)
"""A tail that polls once an hour yields only what it is notified of."""


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new, empty log."""
    return postgres.log()


@pytest.fixture
async def log(url: str) -> AsyncIterator[PostgresLog]:
    """The open log."""
    async with postgres_log(url) as log:
        yield log


async def test_a_tail_is_woken_by_a_notification(url: str) -> None:
    """A tail yields what another node appends when it is notified, and not only when it polls."""
    async with postgres_log(url, WITHOUT_POLLING) as one, postgres_log(url, WITHOUT_POLLING) as other:
        tailing = asyncio.create_task(read_tail(one, 1))

        assert await append_many(other, 1) == await tailing


async def test_a_tail_whose_listener_was_killed_misses_no_record(url: str, postgres: Postgres) -> None:
    """Records that were notified while the listener was disconnected are read as soon as it is connected again."""
    async with postgres_log(url, WITHOUT_POLLING) as one, postgres_log(url, WITHOUT_POLLING) as other:
        written = await append_many(other, 1)
        tailing = asyncio.create_task(read_tail(one, 5))
        for _ in range(4):
            postgres.execute("select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen chatr_log'")
            written += await append_many(other, 1)

        assert written == await tailing


async def test_a_tail_yields_records_without_a_notification(url: str, postgres: Postgres) -> None:
    """A record that was inserted without a notification is found by polling."""
    async with postgres_log(url, PostgresTimeouts(poll_interval=0.05)) as log:
        await append_many(log, 1)
        tailing = asyncio.create_task(read_tail(log, 2))
        postgres.execute(
            """insert into log select 2, 'elsewhere', 0, id, type, at, seen, data, "check" from log""", url
        )

        assert [each.position for each in await tailing] == [1, 2]


async def test_a_session_that_hangs_with_the_lock_is_ended(url: str, log: PostgresLog) -> None:
    """A node that is stopped in the middle of an append delays the appends of others only until its time-out."""
    async with await connect(url, PostgresTimeouts(lock=0.2)) as stuck:
        await stuck.execute(BEGIN)
        await stuck.execute(TAKE_LOCK, (LOCK,))
        [stored] = await append_many(log, 1)
        with pytest.raises(IdleInTransactionSessionTimeout):
            await stuck.execute("select 1")

        assert [stored] == await read_all(log)


async def test_an_append_that_waits_too_long_for_the_lock_stores_nothing(url: str, postgres: Postgres) -> None:
    """An append that cannot get the lock raises LogUnavailable in time; the next one succeeds once the lock is free."""
    short_timeouts = PostgresTimeouts(retry_append=0.1, lock=0.1)
    async with postgres_log(url, short_timeouts) as log:
        with closing(psycopg.connect(url)) as intruder:
            intruder.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            with pytest.raises(LogUnavailable, match="lock timeout"):
                await append_many(log, 1)
        [stored] = await append_many(log, 1)

        assert [stored] == await read_all(log)


async def test_a_vacuum_does_not_delay_appends(url: str, log: PostgresLog) -> None:
    """Appends do not conflict with the lock that VACUUM holds for as long as it runs."""
    with closing(psycopg.connect(url)) as vacuum:
        vacuum.execute("lock table log in share update exclusive mode")
        tailing = asyncio.create_task(read_tail(log, 3))

        assert await append_many(log, 3) == await tailing


async def test_a_role_whose_default_is_serializable_can_append(postgres: Postgres) -> None:
    """Appends read the log under READ COMMITTED, whatever isolation level is the role's default."""
    url = postgres.log(user=postgres.role("default_transaction_isolation = 'serializable'"))
    async with postgres_log(url) as one, postgres_log(url) as other:
        tailing = asyncio.create_task(read_tail(one, 200))
        await asyncio.gather(*(append_many(log, 20) for log in (one, other) * 5))

        assert [each.position for each in await tailing] == list(range(1, 201))


async def test_a_long_transaction_in_another_database_does_not_delay_tails(
    log: PostgresLog, postgres: Postgres
) -> None:
    """A tail yields committed records though an older transaction in another database is still open."""
    elsewhere = postgres.url(postgres.database())
    with closing(psycopg.connect(elsewhere)) as long:
        long.execute("create table unfinished ()")
        tailing = asyncio.create_task(read_tail(log, 1))

        assert await append_many(log, 1) == await tailing


async def test_a_null_character_does_not_affect_concurrent_appends(log: PostgresLog) -> None:
    """PostgreSQL stores no null characters: such an append raises ValueError, and those beside it succeed."""
    drafts = [new_draft(data='"\0"' if number == 5 else "{}") for number in range(10)]
    results = await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts), return_exceptions=True)

    assert [number == 5 for number in range(10)] == [isinstance(result, ValueError) for result in results]


async def test_a_draft_that_cannot_be_stored_does_not_affect_concurrent_appends(log: PostgresLog) -> None:
    """A draft whose stream is too long for the index fails by itself; those that waited beside it are stored."""
    streams = [random_text(9_000) if number == 5 else f"agent/{number}" for number in range(10)]
    appends = (log.append(new_draft(stream), expected=0) for stream in streams)
    results = await asyncio.gather(*appends, return_exceptions=True)

    assert [number == 5 for number in range(10)] == [isinstance(result, LogUnavailable) for result in results]
    assert len(await read_all(log)) == 9


def random_text(length: int) -> str:
    """Return a text that PostgreSQL cannot compress."""
    return "".join(chr(Random(number).randint(0x4E00, 0x9FFF)) for number in range(length // 3))


@pytest.mark.parametrize("place", ["role", "URL"])
async def test_any_text_is_stored_whatever_the_clients_encoding(postgres: Postgres, place: str) -> None:
    """A role or a URL with another client encoding stores every character."""
    by_role = postgres.log(user=postgres.role("client_encoding = 'latin1'"))
    url = by_role if place == "role" else f"{postgres.log()}&client_encoding=latin1"
    async with postgres_log(url) as log:
        stored = await log.append(new_draft(data='"🦀"'), expected=0)

        assert [stored] == await read_all(log)


async def test_hashes_are_stored_whatever_the_role_says_about_backslashes(postgres: Postgres) -> None:
    """A role for which backslashes in strings are escapes stores record hashes byte by byte."""
    url = postgres.log(user=postgres.role("standard_conforming_strings = off"))
    async with postgres_log(url) as log:
        assert await append_many(log, 3) == await read_all(log)


async def test_commits_are_flushed_though_synchronous_commit_was_switched_off(postgres: Postgres) -> None:
    """A node that runs when synchronous_commit is switched off still commits only what is on the disk."""
    url = postgres.log(user=postgres.role("client_encoding = 'utf8'"))
    async with postgres_log(url) as log:
        await append_many(log, 1)
        role = url.partition("//")[2].partition("@")[0]
        postgres.execute(f"alter role {role} set synchronous_commit = off")
        postgres.execute(
            "create function observed() returns trigger language plpgsql as $$ begin "
            "insert into observed values (current_setting('synchronous_commit')); return null; end $$; "
            "create table observed (value text); grant insert on observed to public; "
            "create constraint trigger at_commit after insert on log deferrable initially deferred "
            "for each row execute function observed()",
            url,
        )
        postgres.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'")
        await append_many(log, 1)

    assert postgres.execute("select value from observed", url) == [("on",)]


async def test_two_nodes_decide_by_the_clock_of_the_server(url: str, postgres: Postgres) -> None:
    """The clocks of two nodes agree with the server's, and do not depend on the machine's time of day."""
    async with postgres_log(url) as one, postgres_log(url) as other:
        before, first, second = server_time(postgres), one.clock.now(), other.clock.now()
        after = server_time(postgres)

    # Two milliseconds: rounding, and half a round trip.
    assert before - 2 <= first <= second + 2 <= after + 4


def server_time(postgres: Postgres) -> int:
    """Return the server's milliseconds since 1970."""
    ((milliseconds,),) = postgres.execute("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
    return int(milliseconds)


async def test_a_group_takes_one_round_trip(url: str, postgres: Postgres) -> None:
    """Eight records are committed by what is sent to the server in one piece, after one record."""
    async with run_proxy(postgres.socket) as proxy, postgres_log(proxy.url_through(url)) as log:
        await append_many(log, 1)
        proxy.requests.clear()
        await append_many(log, 9)
        appends = [data for data in proxy.requests if b"insert into log" in data or b"COMMIT" in data]

    assert len(appends) <= 2
    assert all(b"pg_advisory_xact_lock" in data and b"COMMIT" in data for data in appends)


async def test_own_records_are_yielded_without_another_round_trip(url: str, postgres: Postgres) -> None:
    """A tail yields what its node appends, alone or in groups, as soon as that is stored, and does not read it."""
    async with run_proxy(postgres.socket) as proxy, postgres_log(proxy.url_through(url), WITHOUT_POLLING) as log:
        tail = log.tail(None)
        written = await append_many(log, 1)
        received = await next_records(tail, 1)
        tailing = asyncio.create_task(next_records(tail, 36))
        await asyncio.to_thread(postgres.execute, "select 1")
        proxy.requests.clear()
        for count in range(1, 9):
            written += await asyncio.gather(*(log.append(new_draft(), expected=0) for _ in range(count)))
        received += await tailing

        assert written == received
    assert [data for data in proxy.requests if b"where position >" in data] == []


async def test_a_new_tail_yields_no_record_of_a_log_that_was_replaced(
    log: PostgresLog, postgres: Postgres, url: str
) -> None:
    """What a node has appended without following the log is not yielded to a tail that begins after it was replaced."""
    await append_many(log, 3)
    postgres.execute("delete from log", url)
    async with postgres_log(url) as other:
        others = await append_many(other, 2)

    assert others == await read_tail(log, 2)
