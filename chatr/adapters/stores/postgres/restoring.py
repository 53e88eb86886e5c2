"""Restores records of another log in a PostgreSQL log, exactly as they are."""

from collections.abc import Sequence
from typing import Final

from chatr.adapters.stores.postgres.commit import TAKE_LOCK, durable_transaction
from chatr.adapters.stores.postgres.reader import SELECT
from chatr.adapters.stores.postgres.server import LOCK
from chatr.adapters.stores.postgres.session import Connection
from chatr.adapters.stores.restoring import check_restored, columns_of
from chatr.ports import Stored

# A record that is there already, or does not follow the last one and the one before it in its stream, is left out.
RESTORE: Final = """
    insert into log (position, stream, previous, id, type, at, seen, data, "check")
    select record.* from (values (
        %(position)s::bigint, %(stream)s, %(previous)s::bigint, %(id)s, %(type)s, %(at)s::bigint, %(seen)s::bigint,
        %(data)s, %(check)s::bytea
    )) as record (position, stream, previous)
    where record.position = (select coalesce(max(position), 0) + 1 from log)
    and (record.previous = 0 or exists (
        select from log where log.position = record.previous and log.stream = record.stream
    ))
    on conflict do nothing
"""


async def insert_verbatim(records: Sequence[Stored], db: Connection) -> None:
    """Insert the records that are not there yet, in one transaction.

    Raises Conflict if the log then lacks one of them, or psycopg.Error; the transaction is open then.
    """
    async with durable_transaction(db):
        await db.execute(TAKE_LOCK, (LOCK,))
        cursor = db.cursor()
        # In pipeline mode: psycopg sends the rows without waiting for the answers.
        await cursor.executemany(RESTORE, [columns_of(record) for record in records])
        # New records need not be read again; others may differ. Before the commit is sent.
        if cursor.rowcount < len(records):
            where = "where position between %s and %s order by position"
            result = await db.execute(SELECT + where, (records[0].position, records[-1].position))
            check_restored(records, [Stored(*row) for row in await result.fetchall()])
