"""The PostgreSQL store, as `chatr.adapters.stores.schemes` finds it. Importing it needs psycopg."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from chatr.adapters.stores.postgres.log import PostgresLog, check_schema_is_current, postgres_log, postgres_reader
from chatr.log_store import LogStore


@asynccontextmanager
async def open_current_log(url: str) -> AsyncIterator[PostgresLog]:
    """As `LogStore.open_current_log`."""
    # Checked before the log is opened, which would migrate an older schema; no migration can be undone.
    await check_schema_is_current(url)
    async with postgres_log(url) as log:
        yield log


store: Final = LogStore(open_log=postgres_log, open_reader=postgres_reader, open_current_log=open_current_log)
