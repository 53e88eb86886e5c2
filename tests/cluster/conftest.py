"""Several nodes in the test's own loop, on one log in PostgreSQL and with one clock."""

from collections.abc import AsyncIterator, Iterator

import pytest

from chatr.domain.limits import MINUTE, Limit
from chatr.testing.clock import SettableClock
from tests.conftest import OpenRoom, Room
from tests.moltbook import FakeMoltbook
from tests.postgres import Postgres
from tests.proxy import Proxy, proxy


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.log()


@pytest.fixture
def mortal() -> Iterator[Postgres]:
    """A server that may be ended."""
    server = Postgres("fsync=off")
    yield server
    server.close()


@pytest.fixture
async def line(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with proxy(postgres.socket) as line:
        yield line


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as book:
        yield book


@pytest.fixture
async def rooms(open_room: OpenRoom, url: str, book: FakeMoltbook) -> list[Room]:
    """Three nodes of one room, in which an agent may say three things a minute."""
    clock, rate = SettableClock(), Limit(3, MINUTE)
    return [await open_room(log=url, clock=clock, rate_unverified=rate, moltbook_url=book.url) for _ in range(3)]
