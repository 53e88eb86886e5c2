"""Readers and writers notice when the database is replaced by an older copy, or by a standby that had lagged."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Final

import pytest

from chatr.adapters.stores.postgres.log import PostgresLog, postgres_log, postgres_reader
from chatr.ports import CannotOpenLog, LogChanged, LogUnavailable
from chatr.testing.contract.steps import append_many, new_draft, next_records, read_all, read_tail, run_event_loop
from tests.postgres import Postgres
from tests.postgres_proxy import run_proxy

OTHERS: Final = pytest.mark.parametrize("others", [0, 5], ids=["shorter", "with other records since"])


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new, empty log."""
    return postgres.log()


@pytest.fixture
async def log(url: str) -> AsyncIterator[PostgresLog]:
    """The open log."""
    async with postgres_log(url) as log:
        yield log


async def restore(postgres: Postgres, url: str, others: int) -> None:
    """Take the log back by three records, and append so many others."""
    postgres.execute("delete from log where position > 5", url)
    async with postgres_log(url) as log:
        await append_many(log, others)


@OTHERS
async def test_a_tail_notices_a_restored_older_copy(
    log: PostgresLog, postgres: Postgres, url: str, others: int
) -> None:
    """A tail that has yielded a record which is lost raises LogChanged; one from before that goes on."""
    tail = log.tail(None)
    await append_many(log, 8)
    received = await next_records(tail, 8)
    await restore(postgres, url, others)
    with pytest.raises(LogChanged):
        await anext(tail)
    with pytest.raises(LogChanged):
        await read_tail(log, 1, after=received[-1].cursor)

    assert await read_tail(log, 1, after=received[3].cursor) == (await read_all(log))[4:]


@OTHERS
async def test_an_append_notices_a_restored_older_copy(
    log: PostgresLog, postgres: Postgres, url: str, others: int
) -> None:
    """An append whose node has read records that are lost stores nothing; then the node's tail notices as well."""
    tail = log.tail(None)
    await append_many(log, 8)
    await next_records(tail, 8)
    tailing = asyncio.ensure_future(anext(tail))
    await run_event_loop(1)
    await restore(postgres, url, others)
    with pytest.raises(LogUnavailable, match="does not hold"):
        await log.append(new_draft(), expected=0)
    with pytest.raises(LogChanged):
        await tailing

    assert await log.head() == 5 + others


async def test_pick_of_lost_records_is_unavailable(log: PostgresLog, postgres: Postgres, url: str) -> None:
    """Records that a restored copy does not hold are LogUnavailable."""
    await append_many(log, 8)
    await restore(postgres, url, 0)
    with pytest.raises(LogUnavailable):
        await log.pick([5, 6])


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    """A server that gets standbys."""
    server = Postgres("fsync=off")
    yield server
    server.close()


@pytest.mark.long
async def test_a_tail_notices_a_promoted_standby_that_had_lagged(primary: Postgres) -> None:
    """With the primary, acknowledged records are lost and their positions used again: the tail raises LogChanged."""
    url = primary.log()
    async with run_proxy(primary.socket) as proxy, postgres_log(proxy.url_through(url)) as log:
        tail = log.tail(None)
        remaining = await append_many(log, 5)
        with closing(primary.standby()) as standby:
            await next_records(tail, 5 + len(await append_many(log, 3)))
            standby.execute("select pg_promote()")
            proxy.server = standby.socket
            proxy.cut()
            async with postgres_log(url.replace(str(primary.folder), str(standby.folder))) as other:
                remaining += await append_many(other, 5)
            with pytest.raises(LogChanged):
                await anext(tail)

            assert remaining == await read_all(log)


async def test_a_hot_standby_can_only_be_read(primary: Postgres) -> None:
    """Opening a hot standby for appending is an error that names the primary; opening it for reading works."""
    url = primary.log()
    async with postgres_log(url) as log:
        written = await append_many(log, 3)
    with closing(primary.standby()) as standby:
        url = url.replace(str(primary.folder), str(standby.folder))
        with pytest.raises(
            CannotOpenLog, match=r"^The log in PostgreSQL cannot be used: .* connect to the primary.*\.$"
        ):
            async with postgres_log(url):
                pass
        async with postgres_reader(url) as reader:
            assert written == await read_all(reader)


@pytest.mark.long
async def test_a_node_that_is_led_to_a_hot_standby_stores_nothing_until_it_is_led_back(primary: Postgres) -> None:
    """While its address leads to a standby that takes no writes, appends are LogUnavailable; then they succeed."""
    url, draft = primary.log(), new_draft()
    async with run_proxy(primary.socket) as proxy, postgres_log(proxy.url_through(url)) as log:
        written = await append_many(log, 5)
        with closing(primary.standby()) as standby:
            proxy.server = standby.socket
            proxy.cut()
            with pytest.raises(LogUnavailable, match="read-only"):
                await log.append(draft, expected=0)
            proxy.server = primary.socket
            proxy.cut()
        written.append(await log.append(draft, expected=0))

        assert written == await read_all(log)
