"""Checks a log: that it opens, is complete, and that no record was altered after it was stored."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.reopening import unchanged_database
from chatr.adapters.stores.urls import open_reader, sqlite_file
from chatr.cli.commands.audit import lost_records, lost_since_checkpoint
from chatr.cli.doctor.check import Check, ok, problem
from chatr.cli.doctor.disk import check_space
from chatr.cli.output.progress import progress
from chatr.cli.output.text import counted
from chatr.past.replay import batches
from chatr.ports import CannotOpenLog, LogReader, LogUnavailable, Stored

OPENS: Final = "log"
PAGES: Final = "SQLite"
COMPLETE: Final = "last record"
RECORDS: Final = "records"
NAMED: Final = 20
"""Positions of altered records that are named; more are counted."""
RESTORE: Final = "Stop the server and start one on a backup: chatr serve --log sqlite:///BACKUP"


async def check_log(url: str, now: int) -> AsyncGenerator[Check, None]:
    """Yield what is wrong with the log at `url`, or in the exported file of that name, part by part.

    `now` is in milliseconds since 1970.
    """
    try:
        async with open_reader(url) as log:
            head = await log.head()
            yield ok(OPENS, f"It opens, and holds {counted(head, 'record')}.")
            if path := sqlite_file(url):
                yield await check_pages(path)
                yield await check_complete(url, log)
                yield await check_space(path, log, now)
            yield await check_records(log, head)
    except CannotOpenLog as error:
        yield problem(OPENS, str(error), "")
    except LogUnavailable as error:
        yield problem(RECORDS, f"The log cannot be read to its end: {str(error).rstrip('.')}.", f"{RESTORE}.")


async def check_pages(path: Path) -> Check:
    """Let SQLite check the pages and indexes of its file. It takes as long as to read the file."""
    with unchanged_database(path) as readable, closing(connected(readable.address)) as db:
        try:
            faults = await asyncio.to_thread(quick_check, db)
        except asyncio.CancelledError:
            db.interrupt()
            raise
        # Of a file to which a server begins to write meanwhile, some pages are newer than others.
        readable.check()
    if faults == ["ok"]:
        return ok(PAGES, "The file is intact (pragma quick_check).")
    return problem(PAGES, f"The file is damaged: {faults[0]}.", f"{RESTORE}.")


def connected(address: str) -> sqlite3.Connection:
    """Return a connection that any thread may use to the database at a URI. Raises sqlite3.Error."""
    return sqlite3.connect(address, uri=True, check_same_thread=False)


def quick_check(db: sqlite3.Connection) -> list[str]:
    """Return what SQLite finds wrong with a database; only "ok" if that is nothing."""
    try:
        return [line for (line,) in db.execute("pragma quick_check(1)")]
    except sqlite3.Error as error:
        return [str(error)]


async def check_complete(url: str, log: LogReader) -> Check:
    """Compare the end of the log with what the files beside it say was there."""
    losses = [*lost_records(url), *await lost_since_checkpoint(url, log)]
    if losses:
        remedy = "Put the files back, or start once with chatr serve --accept-loss to go on without those records."
        return problem(COMPLETE, losses[0].sentence, remedy)
    return ok(COMPLETE, "The log ends where the files beside it say.")


async def check_records(log: LogReader, head: int) -> Check:
    """Compare every record with the hash that was stored with it."""
    with progress("checking", head) as show_position:
        wrong: list[int] = []
        next_position = 1
        async for batch in batches(log, until=head):
            wrong += missing_or_altered(batch, next_position)
            next_position = batch[-1].position + 1
            show_position(batch[-1].position)
    if not wrong:
        return ok(RECORDS, "Every record is as it was stored.")
    found = f"{counted(len(wrong), 'record')} altered or missing: {named(wrong)}."
    return problem(RECORDS, found, f"{RESTORE}; or see with chatr audit what was altered, and accept it.")


def missing_or_altered(batch: Sequence[Stored], next_position: int) -> Iterator[int]:
    """Yield the positions from `next_position` on that the batch lacks, and those of records that were altered."""
    for stored in batch:
        yield from range(next_position, stored.position)
        # Of a record whose text was erased, only an audit can say more.
        if not stored.is_intact:
            yield stored.position
        next_position = stored.position + 1


def named(positions: Sequence[int]) -> str:
    """Return the first positions as text, those that follow each other as ranges."""
    # The difference between a position and its place in the list stays the same as long as no position is left out.
    groups = (list(group) for _, group in groupby(enumerate(positions), lambda each: each[1] - each[0]))
    ranges = [(group[0][1], group[-1][1]) for group in groups]
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in ranges[:NAMED]]
    return ", ".join(texts) + (" …" if len(ranges) > NAMED else "")
