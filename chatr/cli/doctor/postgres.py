"""Checks a PostgreSQL server: whether it keeps what it has acknowledged, and is one that chatr is tested with."""

from collections.abc import AsyncGenerator
from typing import Final, LiteralString

from chatr.adapters.stores.postgres.log_table import check_table, conditions_of_table
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
TRIGGERS: Final[LiteralString] = (
    "(select tgtype from pg_trigger where tgrelid = log.oid and not tgisinternal and tgenabled <> 'D') as operators"
)

DOUBTS: Final[tuple[tuple[str, str, LiteralString], ...]] = (
    (
        "A trigger acts after records are inserted into the table log, and could alter them.",
        "Make sure that it changes nothing in that table.",
        f"exists (select from {TRIGGERS} where tgtype & 4 <> 0)",
    ),
    (
        "A trigger acts when records of the table log are updated, and may prevent that texts are erased.",
        "Drop it, unless nothing is ever to be erased.",
        f"exists (select from {TRIGGERS} where tgtype & 16 <> 0)",
    ),
    (
        "The role may not update the table log, so no text can be erased.",
        "Grant it: grant update on log to the role.",
        "not has_table_privilege(log.oid, 'update')",
    ),
    (
        "A constraint of its own rejects records that are inserted into the table log.",
        "Drop it, unless posts are meant to fail by it.",
        "exists (select from pg_constraint where conrelid = log.oid and contype in ('c', 'f', 'x'))",
    ),
)
"""What is wrong with the table, what to do about it, and the condition under which it is so."""


async def check_postgres(url: str) -> AsyncGenerator[Check, None]:
    """Yield what is wrong with the server at `url`, or one line that nothing is."""
    try:
        async with transaction(url, DEFAULT_TIMEOUTS) as db:
            found = [*await wrong_settings(db), *await wrong_table(db), *await wrong_version(db)]
            fine = ok(NAME, f"Version {await setting(db, 'server_version')} keeps what it has acknowledged.")
    except CannotOpenLog as error:
        yield problem(NAME, str(error), "")
        return
    for check in found or [fine]:
        yield check


async def wrong_settings(db: Connection) -> list[Check]:
    """Return which settings of the server chatr cannot work with, or would lose records by."""
    found = []
    for name, (allowed, complaint) in REQUIRED_SETTINGS.items():
        if (value := await setting(db, name)) is not None and value not in allowed:
            fault, _, remedy = complaint.format(value).partition(": ")
            found.append(problem(NAME, f"The server cannot be used: {fault}.", f"{remedy[0].upper()}{remedy[1:]}."))
    for name, harm in KEEP_ON.items():
        if await setting(db, name) != "on":
            remedy = f"Set {name} = on in postgresql.conf, and restart PostgreSQL."
            found.append(problem(NAME, f"{name} is off: {harm}.", remedy))
    return found


async def wrong_table(db: Connection) -> list[Check]:
    """Return what may go wrong with the table, if there is one. Raises UnusableSession if chatr cannot work with it."""
    await check_table(db)
    return [
        warning(NAME, fault, remedy)
        for fault, remedy, wrong in DOUBTS
        if await conditions_of_table([wrong], db) == [True]
    ]


async def wrong_version(db: Connection) -> list[Check]:
    """Return whether the server is too old."""
    major = db.info.server_version // 10_000
    if major >= OLDEST_SUPPORTED:
        return []
    return [warning(NAME, f"Version {major} is no longer supported; the tests run on {TESTED}.", "Upgrade it.")]


async def setting(db: Connection, name: str) -> str | None:
    """Return a setting of the server, as it is in this session; None if this version does not have it."""
    ((value,),) = await (await db.execute("select current_setting(%s, true)", (name,))).fetchall()
    return None if value is None else str(value)
