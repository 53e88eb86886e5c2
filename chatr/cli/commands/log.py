"""chatr log: prints the records of a log."""

import argparse
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Final

from chatr.adapters.stores.urls import open_reader
from chatr.cli.arguments import add_json_option, add_log_option, describe, utf8_text, whole_number
from chatr.cli.errors import CommandError
from chatr.cli.moment import MOMENT_FORM, parse_moment
from chatr.cli.outcome import FAILED, report
from chatr.cli.output.progress import progress
from chatr.cli.output.records import NamedRecord, NameIndex, record_columns, record_json, type_without_version
from chatr.cli.output.suggestion import unknown_agent
from chatr.cli.output.tables import print_hanging, print_json
from chatr.cli.output.text import format_time
from chatr.codec import EVENT_TYPES
from chatr.domain.commands import agent_id, older_agent_id
from chatr.domain.events import AgentEvent, Cursor, Record
from chatr.past.replay import Moment, Timestamp, batches, ignore_progress
from chatr.ports import LogReader, Stored

TYPES: Final = sorted({name.partition(".")[0] for name in EVENT_TYPES})
"""The types of records without their versions."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr log`."""
    describe(
        command,
        "Print the records of a log, oldest first. Times are UTC.",
        "--last 20 --follow",
        "--agent Ada --type message-posted --after 2026-01-31T12:00",
        "--json | jq -r 'select(.data.content) | .name + \": \" + .data.content'",
    )
    add_log_option(command)
    command.add_argument("--agent", metavar="NAME", type=utf8_text, help="only records about this agent")
    command.add_argument("--type", metavar="TYPE", type=known_type, help=f"only this type: {', '.join(TYPES)}")
    command.add_argument("--after", metavar=MOMENT_FORM, type=parse_moment, help="only records after this moment")
    # --before selects where the output ends, and --follow never ends.
    end = command.add_mutually_exclusive_group()
    end.add_argument("--before", metavar=MOMENT_FORM, type=parse_moment, help="only records before this moment")
    end.add_argument("--follow", action="store_true", help="then print each record as it is stored, until Ctrl-C")
    command.add_argument(
        "--last", metavar="COUNT", type=whole_number(0, 1_000_000), help="only this many, the newest ones"
    )
    command.add_argument("--keys", action="store_true", help="also print the SHA-256 of each agent's key")
    add_json_option(command, "print one JSON object per line")
    command.set_defaults(run=run)


def known_type(text: str) -> str:
    """Accept the type of a record, with or without its version; an argument type."""
    if text not in (*EVENT_TYPES, *TYPES):
        raise argparse.ArgumentTypeError(f"there is no type {text!r}; choose from {', '.join(TYPES)}")
    return text


async def run(options: argparse.Namespace) -> int:
    """Print the records that the options select, and return 1 if there are none. Raises CommandError or
    UnreadableRecord.
    """
    check_range(options.after, options.before)
    async with open_reader(options.log) as log:
        printer = RecordPrinter(options)
        await printer.print_stored(log)
        if options.follow:
            await printer.follow(log)
    # As grep does: a script need not count lines.
    return 0 if printer.has_printed or options.last == 0 else report(printer.nothing_found(), FAILED)


def check_range(after: Moment | None, before: Moment | None) -> None:
    """Raise CommandError if no record can be after one and before the other of two positions, or of two times."""
    match after, before:
        case int(), int():
            is_empty = after + 1 >= before
        case Timestamp(), Timestamp():
            is_empty = after.at + 1 >= before.at
        case _:
            is_empty = False
    if is_empty:
        raise CommandError("There is nothing between --after and --before: both leave their own moment out.")


class RecordPrinter:
    """Prints the records that the options select.

    It reads a log from its first record whatever is selected, because only registrations have the names of agents.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        # An agent of an older version has another id than a new one with the same name would get.
        self._agents = {older_agent_id(options.agent), agent_id(options.agent)} if options.agent else None
        self._names = NameIndex()
        self._cursor: Cursor | None = None
        self._first: Stored | None = None
        self._last: Stored | None = None
        self.has_printed = False

    async def print_stored(self, log: LogReader) -> None:
        """Print the selected records that the log holds now."""
        # With --last only the newest records are in memory, however long the log is.
        newest: deque[NamedRecord] | None = None if self._options.last is None else deque(maxlen=self._options.last)
        end = await log.head()
        # Without --last the records themselves show the progress, and a bar would flicker between them.
        bar = nullcontext(ignore_progress) if newest is None else progress("reading", end)
        with bar as show_position:
            async for batch in batches(log, until=end):
                selected = self._selected(batch)
                if newest is None:
                    self._print(selected)
                else:
                    newest.extend(selected)
                show_position(batch[-1].position)
        self._print(newest or ())
        if self._agents and not self.has_printed and self._agents.isdisjoint(self._names.names):
            error = unknown_agent(self._options.agent, end, self._names.names)
            if not self._options.follow:
                raise error
            # It may register yet.
            report(str(error), FAILED)

    def nothing_found(self) -> str:
        """Return a sentence that says why nothing was printed."""
        first, last = self._first, self._last
        if first is None or last is None:
            return "The log is empty."
        from_, to = (f"{each.position} of {format_time(each.at)}" for each in (first, last))
        return f"No record is selected. The log has records from {from_} to {to}."

    async def follow(self, log: LogReader) -> None:
        """Print the selected records that are stored from now on. Does not return."""
        # Output to a pipe is buffered, and its reader has to get each record as soon as it is stored.
        sys.stdout.flush()
        async for batch in log.tail(self._cursor):
            self._print(self._selected(batch))
            sys.stdout.flush()

    def _selected(self, batch: Sequence[Stored]) -> Iterator[NamedRecord]:
        self._first, self._last = self._first or batch[0], batch[-1]
        self._cursor = batch[-1].cursor
        return filter(self._is_selected, map(self._names.named, batch))

    def _is_selected(self, named: NamedRecord) -> bool:
        options, event = self._options, named.record.event
        return (
            (self._agents is None or (isinstance(event, AgentEvent) and event.agent in self._agents))
            and options.type in (None, type_without_version(named.stored), named.stored.type)
            and (options.after is None or distance(options.after, named.record) > 0)
            and (options.before is None or distance(options.before, named.record) < 0)
        )

    def _print(self, selected: Iterable[NamedRecord]) -> None:
        keys = self._options.keys
        for named in selected:
            self.has_printed = True
            if self._options.json:
                print_json(record_json(named, keys=keys))
            else:
                print_hanging(*record_columns(named, keys=keys))


def distance(moment: Moment, record: Record) -> int:
    """Return how far a record lies after a moment, in milliseconds or positions; negative if it lies before."""
    return record.event.at - moment.at if isinstance(moment, Timestamp) else record.position - moment
