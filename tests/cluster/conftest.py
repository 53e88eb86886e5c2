"""Several nodes in the test's own loop, on one log in PostgreSQL and with one clock."""

from collections.abc import AsyncIterator, Iterator

import pytest

from chatr.domain.limits import MINUTE, Limit
from chatr.testing.clock import SettableClock
from tests.conftest import OpenRoom, Room
from tests.moltbook import FakeMoltbook
from tests.postgres import Postgres
from tests.postgres_proxy import Proxy, run_proxy


@pytest.fixture
def url(postgres: Postgres) -> str:
    """The URL of a new log."""
    return postgres.log()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test alone, which it may stop."""
    server = Postgres("fsync=off")
    yield server
    server.close()


@pytest.fixture
async def database_proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    """A proxy in front of PostgreSQL, which can be cut."""
    async with run_proxy(postgres.socket) as database_proxy:
        yield database_proxy


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    """A fake Moltbook."""
    async with FakeMoltbook() as book:
        yield book


@pytest.fixture
async def rooms(open_room: OpenRoom, url: str, book: FakeMoltbook) -> list[Room]:
    """Three nodes of one room, in which an agent may post three messages a minute."""
    clock, rate = SettableClock(), Limit(3, MINUTE)
    return [await open_room(log=url, clock=clock, rate_unverified=rate, moltbook_url=book.url) for _ in range(3)]
