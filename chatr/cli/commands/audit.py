"""chatr audit: checks that no record was changed and that every record obeyed the rules."""

import argparse
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Final

from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.head import HeadFile, description_of_loss
from chatr.adapters.stores.sqlite.reopening import unchanged_database
from chatr.adapters.stores.urls import checkpoint_file, open_reader, sqlite_file
from chatr.adapters.system import SystemClock
from chatr.cli.arguments import add_json_option, add_log_option, describe
from chatr.cli.output.audit_report import Report
from chatr.cli.output.progress import progress
from chatr.cli.running_room import fetch_room
from chatr.cli.running_room_check import differences
from chatr.codec import UnreadableRecord
from chatr.domain.chain import ChainPoint
from chatr.past import checkpoint
from chatr.past.audit import Audit, Finding
from chatr.past.checkpoint import read_checkpoint_file
from chatr.past.replay import batches
from chatr.past.snapshot_reading import InvalidSnapshot
from chatr.ports import MAX_PICK, LogReader, LogUnavailable, Stored
from chatr.setting_values import parse_web_address

HEAD: Final = re.compile("([1-9][0-9]{0,17}):([0-9a-f]{64})", re.IGNORECASE)
"""POSITION:DIGEST, as in the last line that an audit prints."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr audit`."""
    describe(
        command,
        "Check that no record was changed after it was stored, and that every record obeyed the rules then "
        "in force. Exit with 1 if something is wrong; notes do not count. Store the head that is printed last: a later "
        "audit with --expect shows whether anything up to it was changed.",
        "--expect 1042:9f86d081884c7d65…",
        "--url http://localhost:8080",
    )
    add_log_option(command)
    command.add_argument(
        "--expect",
        metavar="POSITION:DIGEST",
        type=parse_head,
        action="append",
        default=[],
        help="a head that was stored earlier; may be given more than once",
    )
    command.add_argument(
        "--url", metavar="URL", type=server_address, help="also compare what the server there shows with its log"
    )
    command.add_argument(
        "--all", action="store_true", help="print each finding as it comes, not one line for each kind of finding"
    )
    add_json_option(command, "print one JSON object per line: each finding, then the head")
    command.set_defaults(run=run)


def parse_head(text: str) -> ChainPoint:
    """Read POSITION:DIGEST; an argument type."""
    match = HEAD.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a head: write POSITION:DIGEST, as chatr audit prints it")
    return ChainPoint(int(match[1]), bytes.fromhex(match[2]))


def server_address(text: str) -> str:
    """Accept the address of a web server; an argument type."""
    try:
        return parse_web_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


async def run(options: argparse.Namespace) -> int:
    """Audit the log, and the running server if its address is given. Return 1 if there are findings.

    Raises RoomUnreachable or RoomAltered.
    """
    audit, report = Audit(SystemClock().now(), options.expect), Report(options.json, options.all)
    try:
        await audit_log(options, audit, report)
    finally:
        # Also what was found before an interruption.
        report.print_kinds()
    report.print_summary(audit)
    return 1 if report.findings else 0


async def audit_log(options: argparse.Namespace, audit: Audit, report: Report) -> None:
    """Report what is wrong with the log, and with what the running server shows of it."""
    async with open_reader(options.log) as log:
        report.add(lost_records(options.log))
        report.add(await lost_since_checkpoint(options.log, log))
        if options.url:
            # A wrong address is reported before the audit, which may take minutes.
            await fetch_room(options.url, min_position=0)
        # An unreadable record has been reported as a finding; the summary is printed all the same.
        with suppress(UnreadableRecord):
            await audit_records(log, audit, report, await log.head())
            if options.url:
                # The server has recorded more meanwhile: audit up to the position at which it was fetched.
                shown = await fetch_room(options.url, audit.room.position)
                await audit_records(log, audit, report, shown.head.position)
                report.add(differences(shown, audit.room))
            await read_erased_again(log, audit, report)
            # Reports the heads of --expect that lie beyond the end of the log.
            report.add(audit.end())


def lost_records(log_url: str) -> Iterator[Finding]:
    """Yield a finding if a SQLite log lacks records that its head file knows."""
    path = sqlite_file(log_url)
    # Without a valid head file nothing is known; a log that cannot be read is reported where it is read.
    with suppress(OSError, ValueError, sqlite3.Error):
        if path and (loss := description_of_loss(path, HeadFile(beside(path, ".head")).read(), unchanged_database)):
            yield Finding(0, loss)


async def lost_since_checkpoint(log_url: str, log: LogReader) -> list[Finding]:
    """Return a finding if a SQLite log lacks records that its checkpoint knows."""
    path = checkpoint_file(log_url)
    with suppress(OSError, InvalidSnapshot, LogUnavailable):
        if path and (loss := await checkpoint.description_of_loss(read_checkpoint_file(path), log)):
            return [Finding(0, loss)]
    return []


async def audit_records(log: LogReader, audit: Audit, report: Report, until: int) -> None:
    """Check the records up to position `until`. Reports the first that cannot be read and raises UnreadableRecord."""
    with progress("auditing", until, audit.room.position) as show_position:
        async for batch in readable_batches(log, audit, report, until):
            for stored in batch:
                try:
                    report.add(audit.check(stored))
                except UnreadableRecord as error:
                    report.add([Finding(stored.position, f"{error} The audit ends here.")])
                    raise
            show_position(batch[-1].position)


async def read_erased_again(log: LogReader, audit: Audit, report: Report) -> None:
    """Read what a running server may have appended or emptied while the log was audited, because it erased messages.

    Raises UnreadableRecord or LogUnavailable.
    """
    # The record that explains an empty message was appended before the message was emptied.
    while audit.erasures.unexplained and (head := await log.head()) > audit.room.position:
        await audit_records(log, audit, report, head)
    readable = list(filter(audit.room.rule_context.is_message, audit.erasures.not_empty))
    for start in range(0, len(readable), MAX_PICK):
        for stored in await log.pick(readable[start : start + MAX_PICK]):
            audit.erasures.read_again(stored)


async def readable_batches(log: LogReader, audit: Audit, report: Report, until: int) -> AsyncIterator[list[Stored]]:
    """Yield the records that the store can read, in batches. Reports the first that it cannot read.

    Raises UnreadableRecord. A store that fails within a batch does not say at which record, so the remaining records
    are then read one by one.
    """
    with suppress(LogUnavailable):
        async for batch in batches(log, audit.room.position, until):
            yield batch
    try:
        async for batch in batches(log, audit.room.position, until, size=1):
            yield batch
    except LogUnavailable as error:
        # Batches of one were checked up to here, so the next record is the one that cannot be read.
        report.add(
            [Finding(audit.room.position + 1, f"It cannot be read: {str(error).rstrip('.')}. The audit ends here.")]
        )
        raise UnreadableRecord from error
