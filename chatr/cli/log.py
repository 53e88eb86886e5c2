"""chatr log."""

import argparse
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Final

from chatr.app import open_reader
from chatr.cli.moment import FORMS, moment
from chatr.cli.progress import progress
from chatr.cli.records import Entry, Names, as_json, kind, line
from chatr.cli.source import add_command, add_json, add_log, number, text
from chatr.cli.tables import print_json, print_line
from chatr.codec import TYPES
from chatr.domain.commands import agent_id
from chatr.domain.events import Cursor, LimitsAdopted, Record
from chatr.past import Moment, Time, batches, nowhere
from chatr.ports import LogReader, Stored

KINDS: Final = sorted({name.partition(".")[0] for name in TYPES})


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "log",
        "print records",
        "Print the records of a log, oldest first. Times are UTC.",
        "--last 20 --follow",
        "--agent Ada --type message-posted --after 2026-01-31T12:00",
        "--json | jq -r 'select(.data.content) | .name + \": \" + .data.content'",
    )
    add_log(command)
    command.add_argument("--agent", metavar="NAME", type=text, help="only what this agent did")
    command.add_argument("--type", metavar="TYPE", type=known_type, help=f"only this type: {', '.join(KINDS)}")
    command.add_argument("--after", metavar=FORMS, type=moment, help="only records after this moment")
    end = command.add_mutually_exclusive_group()
    end.add_argument("--before", metavar=FORMS, type=moment, help="only records before this moment")
    end.add_argument("--follow", action="store_true", help="go on with each record as it is stored, until Ctrl-C")
    command.add_argument("--last", metavar="COUNT", type=number(0, 1_000_000), help="only the last so many")
    command.add_argument("--keys", action="store_true", help="show the SHA-256 of each agent's key, too")
    add_json(command, "one JSON object a line")
    command.set_defaults(run=run)


def known_type(text: str) -> str:
    if text not in (*TYPES, *KINDS):
        raise argparse.ArgumentTypeError(f"there is no type {text!r}; there are {', '.join(KINDS)}")
    return text


async def run(options: argparse.Namespace) -> int:
    async with open_reader(options.log) as log:
        reading = Reading(options)
        await reading.past(log)
        if options.follow:
            await reading.follow(log)
    return 0


class Reading:
    """Goes through a log from its beginning, where the names are, and shows what was asked for."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._agent = agent_id(options.agent) if options.agent else None
        self._names = Names()
        self._cursor: Cursor | None = None

    async def past(self, log: LogReader) -> None:
        last: deque[Entry] | None = None if self._options.last is None else deque(maxlen=self._options.last)
        end = await log.head()
        with progress("reading", end) if last is not None else nullcontext(nowhere) as reached:
            async for batch in batches(log, until=end):
                found = self._chosen(batch)
                if last is None:
                    self._show(found)
                else:
                    last.extend(found)
                reached(batch[-1].position)
        self._show(last or ())

    async def follow(self, log: LogReader) -> None:
        sys.stdout.flush()
        async for batch in log.tail(self._cursor):
            self._show(self._chosen(batch))
            sys.stdout.flush()

    def _chosen(self, batch: Sequence[Stored]) -> Iterator[Entry]:
        self._cursor = batch[-1].cursor
        return filter(self._wanted, map(self._names.entry, batch))

    def _wanted(self, entry: Entry) -> bool:
        options, event = self._options, entry.record.event
        return (
            (self._agent is None or (not isinstance(event, LimitsAdopted) and event.agent == self._agent))
            and options.type in (None, kind(entry.stored), entry.stored.type)
            and (options.after is None or distance(options.after, entry.record) > 0)
            and (options.before is None or distance(options.before, entry.record) < 0)
        )

    def _show(self, entries: Iterable[Entry]) -> None:
        keys = self._options.keys
        for entry in entries:
            if self._options.json:
                print_json(as_json(entry, keys=keys))
            else:
                print_line(line(entry, keys=keys))


def distance(moment: Moment, record: Record) -> int:
    """How far a record lies behind a moment."""
    return record.event.at - moment.at if isinstance(moment, Time) else record.position - moment
