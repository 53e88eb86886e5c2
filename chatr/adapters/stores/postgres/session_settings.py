"""The settings on which a session of PostgreSQL depends: each one is set when the session begins, and read back.

Any of them may have another default: by the server, the database, the role, the URL, a service file or the environment.
"""

from collections.abc import Mapping
from typing import Final

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

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
    # When a wait for a synchronous standby is cancelled, the only sign is a warning.
    "client_min_messages": "warning",
    # These would end a session that waits for its next append, or a migration.
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
"""The value of each setting, as the server writes it. A session has time-outs too, which operators choose."""
SINCE: Final = {"idle_session_timeout": 140_000, "transaction_timeout": 170_000}
"""The first version of PostgreSQL that has a setting, for settings that not all versions have."""
UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1_000, "ms": 1}
"""PostgreSQL's units of time, in milliseconds."""


class UnusableSession(OperationalError):
    """chatr cannot work with a session, or with the table that it leads to.

    The text is a clause without a full stop: what is wrong, and what to do.
    """


async def set_up(db: AsyncConnection[TupleRow], timeouts: Mapping[str, str]) -> None:
    """Set SETTINGS and `timeouts`, whose values `duration` has formatted, in a new session.

    Raises UnusableSession if the server then reports another value for one of them.
    """
    # First of all: by default even the next statement could be given too little time.
    await db.execute(f"set statement_timeout = '{timeouts['statement_timeout']}'".encode())
    wanted = {**timeouts, **SETTINGS, "search_path": await search_path(db)}
    version = db.info.server_version
    wanted = {name: value for name, value in wanted.items() if version >= SINCE.get(name, 0)}
    # With statements, because connection poolers do not pass on the options that are given when a session begins. With
    # `deallocate`, because a pooler may hand over a session in which another psycopg prepared statements: the names
    # would be the same.
    set_search_path = SQL("select pg_catalog.set_config('search_path', {}, false)").format(wanted["search_path"])
    statements = [
        *(f"set {name} = '{value}'" for name, value in wanted.items() if name != "search_path"),
        set_search_path.as_string(db),
        "deallocate all",
    ]
    await db.execute(";".join(statements).encode())
    # Not from the view pg_settings, which takes milliseconds to list all settings.
    columns = ", ".join(f"current_setting('{name}')" for name in wanted)
    [in_force] = await (await db.execute(f"select {columns}".encode())).fetchall()
    for (name, value), setting in zip(wanted.items(), in_force, strict=True):
        if setting != value:
            raise UnusableSession(
                f"{name} is {setting!r} after chatr has set it to {value!r}: connect to PostgreSQL itself, or through "
                "a pooler in session mode"
            )


async def search_path(db: AsyncConnection[TupleRow]) -> str:
    """Return the search path of the session without the system's schemas, which then come first.

    Raises UnusableSession if it names no other schema.
    """
    # Where it names pg_catalog, a schema before that could have functions and operators that replace the system's.
    [(schemas,)] = await (await db.execute("select pg_catalog.current_schemas(false)")).fetchall()
    own = [Identifier(schema).as_string(db) for schema in schemas if not schema.startswith("pg_")]
    if not own:
        raise UnusableSession("search_path names no schema that exists and that the role may use: set it to one")
    # Temporary tables would otherwise come first.
    return ", ".join([*own, '"pg_temp"'])


def duration(seconds: float) -> str:
    """Return a duration as PostgreSQL writes it in settings: in the largest unit of which it is a multiple."""
    milliseconds = round(1000 * seconds)
    for unit, size in UNITS.items():
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return "0"
