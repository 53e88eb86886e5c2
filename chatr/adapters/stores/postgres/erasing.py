"""Erases texts from a PostgreSQL log, and rewrites its table. See docs/erasure.md."""

from collections.abc import Sequence
from typing import Final

import psycopg

from chatr.adapters.stores.erasing import check_all_found
from chatr.adapters.stores.postgres.commit import WAIT_FOR_DISK, durable_transaction
from chatr.adapters.stores.postgres.session import Connection, PostgresTimeouts, connect, one_line
from chatr.domain.events import Cursor
from chatr.ports import LogUnavailable

# Rows are locked in the order of their positions, so that nodes that erase the same ones do not wait for each other in
# a circle. The message makes the commit wait for the standbys also if an earlier try has emptied the records. As with
# appends, the log must hold the last record that the node has read: in an older copy nobody may have erased these.
ERASE: Final = """
    with followed as (
        select %(followed)s::bigint is null or exists (
            select from log where position = %(followed)s and left(id, 8) = %(fingerprint)s
        ) as is_held
    ), filled as (
        select position from log where position = any(%(positions)s) and data <> '' and (select is_held from followed)
        order by position for update
    ), emptied as (
        update log set data = '' from filled where log.position = filled.position returning data
    )
    select (select is_held from followed), count(*),
           (select count(*) from filled) - (select count(*) from emptied where data = ''),
           pg_logical_emit_message(true, 'chatr', '')::text
    from log where position = any(%(positions)s)
"""
FILE_OF_TABLE: Final = "select pg_relation_filenode('log')"


async def erase_texts(positions: Sequence[int], followed: Cursor | None, db: Connection) -> None:
    """Empty `data` of these records in one transaction, in the log that holds the record at `followed`.

    Raises LogUnavailable if it does not, if one of them does not exist, or if a trigger has left a text as it was; then
    the others are empty. Raises psycopg.Error.
    """
    place = {"followed": followed and followed.position, "fingerprint": followed and followed.fingerprint}
    async with durable_transaction(db):
        await db.execute(WAIT_FOR_DISK)
        result = await db.execute(ERASE, {"positions": positions, **place})
    ((is_held, found, left, _),) = await result.fetchall()
    if not is_held:
        raise LogUnavailable(f"the log does not hold record {place['followed']} any longer")
    check_all_found(positions, found)
    if left:
        raise LogUnavailable("a trigger on the table log prevents that texts are erased")


async def rewrite_table(url: str, timeouts: PostgresTimeouts) -> None:
    """Write the table anew, without the bytes of erased texts. No node can read or append meanwhile.

    Raises LogUnavailable, also if the role at `url` neither owns the table nor has the right MAINTAIN.
    """
    try:
        # Its lock is waited for as briefly as that of appends: whoever waits for it holds up everybody else.
        async with await connect(url, timeouts) as db:
            await db.execute("set statement_timeout = 0")
            before = await (await db.execute(FILE_OF_TABLE)).fetchone()
            await db.execute("vacuum (full) log")
            after = await (await db.execute(FILE_OF_TABLE)).fetchone()
    except (psycopg.Error, OSError, TimeoutError) as error:
        raise LogUnavailable(f"The table was not rewritten: {one_line(error)}.") from error
    # PostgreSQL only warns, in the language of the server, that a role may not do this.
    if before == after:
        raise LogUnavailable(
            "The table was not rewritten: only its owner may do that, or a role with the right MAINTAIN."
        )
