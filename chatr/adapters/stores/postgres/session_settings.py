"""The settings on which a session of PostgreSQL depends: each one is set when the session begins, and read back.

Any of them may have another default: by the server, the database, the role, the URL, a service file or the environment.
"""

from collections.abc import Mapping
from typing import Final

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow

SETTINGS: Final = {
    # A narrower encoding cannot hold every message.
    "client_encoding": "UTF8",
    # Where backslashes are escapes, psycopg doubles those of byte strings, also in parameters.
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    # How values are written as text.
    "bytea_output": "hex",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    # Each statement of an append has to see what the last holder of the lock committed.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # A query that would not see every record fails.
    "row_security": "off",
    # An error must not end the session: what was sent would be in doubt.
    "exit_on_error": "off",
    # The only sign of a wait for a standby that was cancelled is a warning.
    "client_min_messages": "warning",
    # These would end a session that waits for its next append, or a migration.
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
"""By name, as `pg_settings` spells it, the value that a session has, besides its time-outs. PostgreSQL 14 to 16 have no
`transaction_timeout`.
"""
# Schemas that the system looks in come first or last. Where `search_path` names pg_catalog, a schema before it could
# have functions and operators that replace those of the system. Everything is qualified, since it may be so until now.
SET_SEARCH_PATH: Final = """
    select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', (
        select pg_catalog.string_agg(pg_catalog.quote_ident(name), ', ' order by number)
        from pg_catalog.unnest(pg_catalog.current_schemas(false)) with ordinality as schema (name, number)
        where not pg_catalog.starts_with(name::pg_catalog.text, 'pg_')
    ), 'pg_temp'), false)
"""
SET: Final = """
    select set_config(wanted.name, wanted.value, false) from (values {}) as wanted (name, value)
    where wanted.name in (select name from pg_settings)
"""
READ_BACK: Final = "select name, setting from pg_settings where name = any(%s)"
NO_SCHEMA: Final = "pg_temp"
"""The search path if there is no schema in it that the role may use."""


class UnusableSession(OperationalError):
    """A session, or what its server says of the log, is none that chatr can work with. Its text is a clause: what is
    wrong, and what to do.
    """


async def set_up(db: AsyncConnection[TupleRow], timeouts: Mapping[str, str]) -> None:
    """Set SETTINGS and `timeouts`, in milliseconds, in a new session. Raises UnusableSession if one is not in force."""
    wanted = {**SETTINGS, **timeouts}
    values = ", ".join(f"('{name}', '{value}')" for name, value in wanted.items())
    # By statements: connection poolers do not pass on the options that are given when a session begins. The time-out
    # first, as that of the role may be too short for the rest. A pooler may leave statements that another client
    # prepared, under the names that psycopg chooses.
    statements = (
        f"set statement_timeout = {timeouts['statement_timeout']}",
        "deallocate all",
        SET_SEARCH_PATH,
        SET.format(values),
    )
    await db.execute(";".join(statements).encode())
    in_force: dict[str, str] = dict(await (await db.execute(READ_BACK, ([*wanted, "search_path"],))).fetchall())
    if in_force.pop("search_path") == NO_SCHEMA:
        raise UnusableSession("search_path names no schema that exists and that the role may use: set it to one")
    for name, setting in in_force.items():
        if setting != wanted[name]:
            raise UnusableSession(
                f"{name} is {setting!r} after chatr has set it to {wanted[name]!r}: connect to PostgreSQL itself, or "
                "through a pooler in session mode"
            )
