"""Checks a PostgreSQL server: whether it keeps what it has acknowledged, and is one that chatr is tested with."""

from collections.abc import AsyncIterator
from typing import Final

from chatr.adapters.stores.postgres.server import REQUIRED_SETTINGS, transaction
from chatr.adapters.stores.postgres.session import DEFAULT_TIMEOUTS, Connection
from chatr.cli.doctor.check import Check, ok, problem, warning
from chatr.ports import CannotOpenLog

NAME: Final = "PostgreSQL"
OLDEST_SUPPORTED: Final = 14
"""The oldest major version that the PostgreSQL project still mends."""
TESTED: Final = 18
KEEP_ON: Final = {
    "fsync": "a crash of the machine may damage the log",
    "full_page_writes": "a crash may damage the log",
}
"""Settings that must be on, and what happens if they are off."""


async def check_postgres(url: str) -> AsyncIterator[Check]:
    """Yield what is wrong with the server at `url`, or one line that nothing is."""
    found = False
    try:
        async with transaction(url, DEFAULT_TIMEOUTS) as db:
            async for check in check_server(db):
                found = True
                yield check
            version = await setting(db, "server_version")
    except CannotOpenLog as error:
        yield problem(NAME, str(error), "")
        return
    if not found:
        yield ok(NAME, f"Version {version} accepts writes in UTF-8 and keeps what it has acknowledged.")


async def check_server(db: Connection) -> AsyncIterator[Check]:
    """Yield what is wrong with the server's settings and version."""
    for name, (allowed, complaint) in REQUIRED_SETTINGS.items():
        if (value := await setting(db, name)) not in allowed:
            found, _, remedy = complaint.format(value).partition(": ")
            yield problem(NAME, f"{found[0].upper()}{found[1:]}.", f"{remedy[0].upper()}{remedy[1:]}.")
    for name, harm in KEEP_ON.items():
        if await setting(db, name) != "on":
            yield problem(
                NAME, f"{name} is off: {harm}.", f"Set {name} = on in postgresql.conf, and restart PostgreSQL."
            )
    major = int(await setting(db, "server_version_num")) // 10_000
    if major < OLDEST_SUPPORTED:
        yield warning(NAME, f"Version {major} is no longer supported; the tests run on {TESTED}.", "Upgrade it.")


async def setting(db: Connection, name: str) -> str:
    """Return a setting of the server, as it is in this session."""
    ((value,),) = await (await db.execute("select current_setting(%s)", (name,))).fetchall()
    return str(value)
