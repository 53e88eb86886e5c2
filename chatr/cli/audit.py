"""chatr audit."""

import argparse
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Final

from attrs import asdict, define

from chatr.adapters.system import SystemClock
from chatr.app import open_reader
from chatr.audit import Audit, Finding, Head
from chatr.cli.live import differences, live
from chatr.cli.progress import progress, tell
from chatr.cli.source import add_command, add_json, add_log
from chatr.cli.tables import clean, count, written
from chatr.codec import Unreadable
from chatr.past import batches
from chatr.ports import LogReader, Stored, Unavailable
from chatr.settings import web_address

KEPT: Final = re.compile("([1-9][0-9]{0,17}):([0-9a-f]{64})", re.IGNORECASE)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "audit",
        "prove that nothing was changed, and nothing allowed that the rules forbid",
        "Read the whole log and check that it is what was stored, and that the rules then in force allowed every "
        "record. Exit with 1 if anything is wrong; a note is worth knowing and nothing wrong. Keep the head that is "
        "printed last: with --expect it proves later that nothing up to there was changed.",
        "--expect 1042:9f86d081884c7d65…",
        "--url http://localhost:8080",
    )
    add_log(command)
    command.add_argument(
        "--expect",
        metavar="POSITION:DIGEST",
        type=kept,
        action="append",
        default=[],
        help="a head that somebody kept; may be given more than once",
    )
    command.add_argument("--url", metavar="URL", type=address, help="compare what the server there shows with its log")
    add_json(command, "one JSON object a line: each finding, then the head")
    command.set_defaults(run=run)


def kept(text: str) -> Head:
    found = KEPT.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no head: write POSITION:DIGEST, as chatr audit prints it")
    return Head(int(found[1]), bytes.fromhex(found[2]))


def address(text: str) -> str:
    try:
        return web_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


async def run(options: argparse.Namespace) -> int:
    audit, report = Audit(SystemClock().now(), options.expect), Report(options.json)
    async with open_reader(options.log) as log:
        if options.url:
            await live(options.url, least=0)  # a wrong address is told before the long work
        with suppress(Unreadable):
            await judge(log, audit, report, await log.head())
            if options.url:
                shown = await live(options.url, audit.room.position)
                await judge(log, audit, report, shown.head.position)
                report.tell(differences(shown, audit.room))
            report.tell(audit.end())
    report.sum_up(audit)
    return 1 if report.findings else 0


async def judge(log: LogReader, audit: Audit, report: "Report", until: int) -> None:
    """Let the audit go on to the record at `until`. Raises Unreadable, once that is told."""
    with progress("auditing", until, audit.room.position) as reached:
        async for batch in readable(log, audit, report, until):
            for stored in batch:
                try:
                    report.tell(audit.check(stored))
                except Unreadable as error:
                    report.tell([Finding(stored.position, f"{error} The audit ends here.")])
                    raise
            reached(batch[-1].position)


async def readable(log: LogReader, audit: Audit, report: "Report", until: int) -> AsyncIterator[list[Stored]]:
    """What the store can read; a batch that it cannot is gone through one by one, to find where it is damaged."""
    with suppress(Unavailable):
        async for batch in batches(log, audit.room.position, until):
            yield batch
    try:
        async for batch in batches(log, audit.room.position, until, size=1):
            yield batch
    except Unavailable as error:
        report.tell([Finding(audit.room.position + 1, f"It cannot be read: {error}. The audit ends here.")])
        raise Unreadable from error


@define
class Report:
    """What was found, told as it is found."""

    json: bool
    findings: int = 0
    notes: int = 0

    def tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.notes += finding.note
            self.findings += not finding.note
            self._tell(finding)

    def _tell(self, finding: Finding) -> None:
        if self.json:
            tell(written(asdict(finding)))
        else:
            tell(f"position {finding.position}{', a note' if finding.note else ''}: {clean(finding.sentence)}")

    def sum_up(self, audit: Audit) -> None:
        room = audit.room
        if self.json:
            head = {"position": room.position, "digest": room.head.hex(), "logId": room.log_id}
            tell(written(head | {"findings": self.findings, "notes": self.notes}))
        else:
            whose = f" of log {room.log_id}" if room.log_id else ""
            found = f"{count(self.findings, 'finding')}, {count(self.notes, 'note')}"
            tell(f"{count(room.position, 'record')}{whose}: {found}.")
            tell(f"head {room.position}:{room.head.hex()}")
