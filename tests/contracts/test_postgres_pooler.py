"""A pooler of connections that keeps the sessions of its clients works; any other one is rejected at the start."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from chatr.adapters.stores.postgres.log import postgres_log, postgres_reader
from chatr.adapters.stores.postgres.session import PostgresTimeouts
from chatr.ports import CannotOpenLog
from chatr.testing.contract.steps import append_many, read_tail
from tests.pgbouncer import pgbouncer, url_through
from tests.postgres import Postgres

POOLS: Final[dict[str, dict[str, object]]] = {
    "stack": {"pool_mode": "transaction"},
    "queue": {"pool_mode": "transaction", "server_round_robin": 1, "min_pool_size": 3},
    "one session": {"pool_mode": "transaction", "default_pool_size": 1},
    "statement": {"pool_mode": "statement"},
}


@pytest.mark.long
@pytest.mark.parametrize("settings", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("opens", [postgres_log, postgres_reader])
async def test_a_pooler_that_takes_sessions_away_is_rejected(
    opens: Callable[..., Any], settings: dict[str, object], postgres: Postgres
) -> None:
    """A pooler in transaction or statement mode is rejected when the log is opened, and the error says what to do."""
    url = postgres.url(postgres.database())
    async with postgres_log(url):
        pass
    with pgbouncer(postgres, **settings) as host, pytest.raises(CannotOpenLog, match=r"pool_mode = session .*\.$"):
        async with opens(url_through(host, url), PostgresTimeouts(operation=0.5, lock=0.1)):
            pass


@pytest.mark.long
async def test_a_pooler_in_session_mode_works(postgres: Postgres) -> None:
    """A pooler with three sessions for a node is enough, and passes notifications on, even if it resets no session."""
    url = postgres.url(postgres.database())
    without_polling = PostgresTimeouts(poll_interval=3600)
    with pgbouncer(postgres, pool_mode="session", default_pool_size=3, server_reset_query="") as host:
        async with postgres_log(url_through(host, url), without_polling) as one, postgres_log(url) as other:
            tailing = asyncio.create_task(read_tail(one, 2))
            written = await append_many(one, 1) + await append_many(other, 1)

            assert written == await tailing
