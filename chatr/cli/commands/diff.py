"""chatr diff: compares two logs, whatever stores they are in."""

import argparse

from attrs import evolve

from chatr.adapters.stores.urls import open_reader
from chatr.cli.arguments import add_json_option, describe
from chatr.cli.errors import CommandError
from chatr.cli.outcome import WRONGLY_USED, report
from chatr.cli.output.log_diff import ComparedLog, LogDiff, difference_json
from chatr.cli.output.progress import print_above_bar, progress
from chatr.cli.output.tables import json_text
from chatr.past.log_diff import differences
from chatr.ports import LogReader, LogUnavailable
from chatr.secret import Secret, revealed, secret_url


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr diff`."""
    describe(
        command,
        "Compare two logs record by record: which are altered, erased or there in one of them alone, and from where on "
        "the logs hold other records. A log that grows meanwhile is compared up to where it ended at first. Exit with "
        "0 if they are equal, 1 if they differ, and 2 if one cannot be read.",
        "sqlite:///chatr.db sqlite:////mnt/backups/monday.db",
        "room.jsonl.gz postgresql://chatr@db.example.org/chatr",
    )
    command.add_argument("a", type=secret_url, metavar="A", help="a log's URL, or an exported file")
    command.add_argument("b", type=secret_url, metavar="B", help="the other one")
    add_json_option(command, "print one JSON object per line: each difference, then a summary")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print what differs, and return 0, 1 or 2 as diff(1) does. Raises CommandError or CannotOpenLog."""
    if revealed(options.a) == revealed(options.b) == "-":
        raise CommandError("Only one of the two logs can be on standard input.")
    try:
        async with open_reader(options.a) as a, open_reader(options.b) as b:
            ours, theirs = await compared(options.a, a), await compared(options.b, b)
            # Both may be the same log under two names, and records may be appended after the end of A was read. These
            # count for A too: otherwise B would seem to be longer.
            ours = evolve(ours, end=max(ours.end, min(await a.head(), theirs.end)))
            diff = LogDiff(ours, theirs)
            if not diff.are_other_logs:
                await compare(a, b, diff, as_json=options.json)
    except LogUnavailable as error:
        # Other commands end with 1 then, which here means that the logs differ.
        return report(f"{str(error).rstrip('.')}.", WRONGLY_USED)
    for line in [json_text(diff.summary)] if options.json else diff.lines():
        print_above_bar(line)
    return 0 if diff.is_equal else 1


async def compared(url: Secret, log: LogReader) -> ComparedLog:
    """Return the log as it is now. Raises LogUnavailable."""
    first = await log.read(0, 1)
    return ComparedLog(str(url), await log.head(), first[0].id if first else "")


async def compare(a: LogReader, b: LogReader, diff: LogDiff, *, as_json: bool) -> None:
    """Add every difference to `diff`, and print each as JSON if asked for. Raises LogUnavailable."""
    ends = diff.a.end, diff.b.end
    with progress("comparing", min(ends)) as show_position:
        async for difference in differences(a, b, ends, show_position):
            diff.add(difference)
            if as_json:
                print_above_bar(json_text(difference_json(difference)))
