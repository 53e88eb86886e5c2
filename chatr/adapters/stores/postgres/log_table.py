"""Checks that the table `log` is the one that the migrations made, and that it stores records as they are sent."""

from collections.abc import Sequence
from typing import Final, LiteralString

from chatr.adapters.stores.postgres.session import Connection
from chatr.adapters.stores.postgres.session_settings import UnusableSession

HIDES_ANOTHER: Final = (
    "log.relnamespace <> (select relnamespace from pg_class where oid = to_regclass('schema_version'))"
)
HIDES_RECORDS: Final = "row_security_active(log.oid)"
COMPLAINTS: Final[dict[str, LiteralString]] = {
    "its tables log and schema_version are in two schemas: name only one of them in search_path": HIDES_ANOTHER,
    "log is no ordinary table: another relation has the name of chatr's table": "log.relkind <> 'r'",
    "the table log would be emptied by a crash: alter table log set logged": "log.relpersistence <> 'p'",
    "row-level security would hide records of the table log: alter table log disable row level security": (
        HIDES_RECORDS
    ),
    "the role may not read and insert into the table log: grant select, insert, update on it": (
        "not (has_table_privilege(log.oid, 'select') and has_table_privilege(log.oid, 'insert'))"
    ),
    # One for each row (1), before (2) an insert (4). Others cannot change what is inserted, such as guards of deletes.
    "a trigger may change or drop what is inserted into the table log: let it run after the insert, or drop it": """
        exists (select from pg_trigger where tgrelid = log.oid and not tgisinternal and tgenabled in ('O', 'A')
                and tgtype & 7 = 7)
    """,
    "a rule changes what is inserted into the table log: drop the rule": (
        "exists (select from pg_rewrite where ev_class = log.oid and ev_type = '3' and ev_enabled in ('O', 'A'))"
    ),
    "the table log inherits from another, or another one from it: end that by alter table … no inherit": (
        "exists (select from pg_inherits where log.oid in (inhrelid, inhparent))"
    ),
    "the columns of the table log are not those that chatr made: restore the table from a backup": """
        9 <> (select count(*) from pg_attribute where attrelid = log.oid and (attname, atttypid) in (
            ('position', 'bigint'::regtype), ('stream', 'text'::regtype), ('previous', 'bigint'::regtype),
            ('id', 'text'::regtype), ('type', 'text'::regtype), ('at', 'bigint'::regtype),
            ('seen', 'bigint'::regtype), ('data', 'text'::regtype), ('check', 'bytea'::regtype)
        ))
    """,
    "the table log lacks a unique constraint: make position its primary key, and stream with previous unique": """
        2 <> (select count(distinct keys) from (
            select array(select attname::text from unnest(indkey) as key join pg_attribute
                         on attrelid = log.oid and attnum = key order by 1) as keys
            from pg_index where indrelid = log.oid and indisunique and indisvalid and indimmediate and indpred is null
        ) as index where keys in ('{position}', '{previous,stream}'))
    """,
}
"""Maps each complaint to the SQL condition under which it is made. There `log` is the row of the table in pg_class."""


async def check_table(db: Connection) -> None:
    """Raise UnusableSession if the table `log` would not store records, or not as they are sent."""
    await complain(db, COMPLAINTS)


async def check_table_is_readable(db: Connection) -> None:
    """Raise UnusableSession if a reader would miss records of the table `log`."""
    wanted = (HIDES_ANOTHER, HIDES_RECORDS)
    await complain(db, {complaint: wrong for complaint, wrong in COMPLAINTS.items() if wrong in wanted})


async def complain(db: Connection, complaints: dict[str, LiteralString]) -> None:
    """Raise UnusableSession with the first complaint whose condition holds."""
    # Not strict: without a table there is nothing to complain about.
    for complaint, is_wrong in zip(complaints, await conditions_of_table(list(complaints.values()), db), strict=False):
        if is_wrong:
            raise UnusableSession(complaint)


async def conditions_of_table(conditions: Sequence[LiteralString], db: Connection) -> list[bool]:
    """Return for each condition of COMPLAINTS whether it holds; an empty list if there is no table `log`."""
    columns: LiteralString = ", ".join(conditions)
    query: LiteralString = f"select {columns} from pg_class as log where oid = to_regclass('log')"  # noqa: S608 -- literals
    return [holds for row in await (await db.execute(query)).fetchall() for holds in row]
