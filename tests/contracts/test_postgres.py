"""What a log in PostgreSQL promises whatever else goes on in the server: who holds a lock, vacuums, or takes long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Final

import psycopg
import pytest
from psycopg.errors import IdleInTransactionSessionTimeout

from chatr.adapters.postgres import PostgresLog, postgres_log
from chatr.adapters.postgres_commit import BEGIN
from chatr.adapters.postgres_server import LOCK
from chatr.adapters.postgres_session import Patience, connect
from chatr.ports import Unavailable
from chatr.testing.contract.steps import draft, everything, fill, followed
from tests.postgres import Postgres

SELDOM: Final = Patience(poll=3600)
"""A follower that looks by itself once an hour sees what it is told of."""


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.log()


@pytest.fixture
async def log(url: str) -> AsyncIterator[PostgresLog]:
    async with postgres_log(url) as log:
        yield log


async def test_a_follower_is_woken_by_a_notification(url: str) -> None:
    """What another node appends is seen at once, and not when the follower looks again by itself."""
    async with postgres_log(url, SELDOM) as one, postgres_log(url, SELDOM) as other:
        following = asyncio.create_task(followed(one, 1))

        assert await fill(other, 1) == await following


async def test_a_follower_whose_listener_was_killed_misses_nothing(url: str, postgres: Postgres) -> None:
    """What nobody listened to is looked for as soon as somebody listens again."""
    async with postgres_log(url, SELDOM) as one, postgres_log(url, SELDOM) as other:
        written = await fill(other, 1)
        following = asyncio.create_task(followed(one, 5))
        for _ in range(4):
            postgres.do("select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen chatr_log'")
            written += await fill(other, 1)

        assert written == await following


async def test_a_follower_finds_what_nobody_told_of(url: str, postgres: Postgres) -> None:
    """Notifications are a hint: a record that came without one is found all the same."""
    async with postgres_log(url, Patience(poll=0.05)) as log:
        await fill(log, 1)
        following = asyncio.create_task(followed(log, 2))
        postgres.do("""insert into log select 2, 'elsewhere', 0, id, type, at, seen, data, "check" from log""", url)

        assert [each.position for each in await following] == [1, 2]


async def test_whoever_holds_the_lock_and_hangs_is_shown_out(url: str, log: PostgresLog) -> None:
    """A node that is stopped in the middle of an append holds the others up for a moment only."""
    async with await connect(url, Patience(lock=0.2)) as stuck:
        await stuck.execute(BEGIN)
        [stored] = await fill(log, 1)
        with pytest.raises(IdleInTransactionSessionTimeout):
            await stuck.execute("select 1")

        assert [stored] == await everything(log)


async def test_who_waits_too_long_for_the_lock_is_told_that_nothing_was_stored(url: str, postgres: Postgres) -> None:
    """An append ends in time, whoever is in its way, and the log works as soon as they are gone."""
    hurried = Patience(draft=0.1, lock=0.1)
    async with postgres_log(url, hurried) as log:
        with closing(psycopg.connect(url)) as intruder:
            intruder.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            with pytest.raises(Unavailable, match="lock timeout"):
                await fill(log, 1)
        [stored] = await fill(log, 1)

        assert [stored] == await everything(log)


async def test_a_vacuum_is_in_nobodys_way(url: str, log: PostgresLog) -> None:
    """VACUUM holds a lock of this kind for as long as it takes: appends do not wait for it, nor it for them."""
    with closing(psycopg.connect(url)) as vacuum:
        vacuum.execute("lock table log in share update exclusive mode")
        following = asyncio.create_task(followed(log, 3))

        assert await fill(log, 3) == await following


async def test_a_role_whose_transactions_are_serializable_is_served_alike(postgres: Postgres) -> None:
    """The look behind the lock sees what the last holder of the lock committed, whatever the role's default is."""
    url = postgres.log(user=postgres.role("default_transaction_isolation = 'serializable'"))
    async with postgres_log(url) as one, postgres_log(url) as other:
        following = asyncio.create_task(followed(one, 200))
        await asyncio.gather(*(fill(log, 20) for log in (one, other) * 5))

        assert [each.position for each in await following] == list(range(1, 201))


async def test_a_long_transaction_in_another_database_delays_nobody(log: PostgresLog, postgres: Postgres) -> None:
    """What is committed is seen, though an older transaction elsewhere in the server is still at work."""
    elsewhere = postgres.url(postgres.database())
    with closing(psycopg.connect(elsewhere)) as long:
        long.execute("create table unfinished ()")
        following = asyncio.create_task(followed(log, 1))

        assert await fill(log, 1) == await following


async def test_a_text_that_cannot_be_stored_harms_nobody_else(log: PostgresLog) -> None:
    """PostgreSQL keeps no null characters: whoever wants one stored is told so, and those beside them are stored."""
    crowd = [draft(data='"\0"' if number == 5 else "{}") for number in range(10)]
    answers = await asyncio.gather(*(log.append(each, expected=0) for each in crowd), return_exceptions=True)

    assert [number == 5 for number in range(10)] == [isinstance(answer, ValueError) for answer in answers]
