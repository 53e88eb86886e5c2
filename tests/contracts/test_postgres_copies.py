"""What becomes of readers and writers when the database behind their back is another: older, or made anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Final

import pytest

from chatr.adapters.postgres import PostgresLog, postgres_log, postgres_reader
from chatr.ports import LogChanged, Unavailable, Unusable
from chatr.testing.contract.steps import draft, everything, fill, followed, turns, upcoming
from tests.postgres import Postgres
from tests.proxy import proxy

OTHERS: Final = pytest.mark.parametrize("others", [0, 5], ids=["shorter", "with other records since"])


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.log()


@pytest.fixture
async def log(url: str) -> AsyncIterator[PostgresLog]:
    async with postgres_log(url) as log:
        yield log


async def restored(postgres: Postgres, url: str, others: int) -> None:
    """The log as it was three records ago, and what others have appended to that."""
    postgres.do("delete from log where position > 5", url)
    async with postgres_log(url) as log:
        await fill(log, others)


@OTHERS
async def test_a_restored_older_copy_is_another_log(
    log: PostgresLog, postgres: Postgres, url: str, others: int
) -> None:
    """Who has seen what was lost is told, and does not go on as if nothing had happened."""
    tail = log.tail(None)
    await fill(log, 8)
    seen = await upcoming(tail, 8)
    await restored(postgres, url, others)
    with pytest.raises(LogChanged):
        await anext(tail)
    with pytest.raises(LogChanged):
        await followed(log, 1, after=seen[-1].cursor)

    assert await followed(log, 1, after=seen[3].cursor) == (await everything(log))[4:]


@OTHERS
async def test_what_was_decided_upon_a_lost_past_is_not_stored(
    log: PostgresLog, postgres: Postgres, url: str, others: int
) -> None:
    """A writer whose follower does not know yet that the log is another appends nothing to it; then both know."""
    tail = log.tail(None)
    await fill(log, 8)
    await upcoming(tail, 8)
    following = asyncio.ensure_future(anext(tail))
    await turns(1)
    await restored(postgres, url, others)
    with pytest.raises(Unavailable, match="does not hold"):
        await log.append(draft(), expected=0)
    with pytest.raises(LogChanged):
        await following

    assert await log.head() == 5 + others


async def test_records_that_are_gone_are_not_taken_for_others(log: PostgresLog, postgres: Postgres, url: str) -> None:
    """Whoever asks for records that a restored copy does not hold is told so, and not by an error of the program."""
    await fill(log, 8)
    await restored(postgres, url, 0)
    with pytest.raises(Unavailable):
        await log.pick([5, 6])


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    server = Postgres("fsync=off")
    yield server
    server.close()


async def test_a_promoted_standby_that_had_lagged_behind_is_another_log(primary: Postgres) -> None:
    """Acknowledged records are lost with such a primary, and their positions used again: nobody is fooled."""
    url = primary.log()
    async with proxy(primary.socket) as line, postgres_log(line.way_to(url)) as log:
        tail = log.tail(None)
        kept = await fill(log, 5)
        with closing(primary.standby()) as standby:
            await upcoming(tail, 5 + len(await fill(log, 3)))
            standby.do("select pg_promote()")
            line.server = standby.socket
            line.cut()
            async with postgres_log(url.replace(str(primary.folder), str(standby.folder))) as other:
                kept += await fill(other, 5)
            with pytest.raises(LogChanged):
                await anext(tail)

            assert kept == await everything(log)


async def test_a_hot_standby_is_for_readers(primary: Postgres) -> None:
    """A node is told to go to the primary; who only reads is welcome."""
    url = primary.log()
    async with postgres_log(url) as log:
        written = await fill(log, 3)
    with closing(primary.standby()) as standby:
        url = url.replace(str(primary.folder), str(standby.folder))
        with pytest.raises(Unusable, match=r"^The log in PostgreSQL cannot be used: .* connect to the primary\.$"):
            async with postgres_log(url):
                pass
        async with postgres_reader(url) as reader:
            assert written == await everything(reader)
