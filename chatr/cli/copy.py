"""chatr copy."""

import argparse

from chatr.app import open_log, open_reader
from chatr.cli.progress import progress, tell
from chatr.cli.source import add_command
from chatr.cli.tables import count
from chatr.ports import EventLog, LogReader
from chatr.settings import BadSetting
from chatr.transfer import BEGINNING, Differs, compare, move


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "copy",
        "copy a log to another store",
        "Copy a log, also a live one, to another store, byte for byte, and compare the two. A copy that was "
        "interrupted goes on where it stopped.",
        "sqlite:///chatr.db sqlite:////mnt/chatr.db",
        "room.jsonl.gz sqlite:///again.db",
    )
    command.add_argument("source", metavar="FROM", help="a log's URL, or an exported file")
    command.add_argument("target", metavar="TO", help="URL of a new log, or of one that is part of FROM")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    if options.target.endswith((".jsonl", ".jsonl.gz")):
        raise BadSetting(f"{options.target} is a file: write it with chatr export.")
    async with open_reader(options.source) as source, open_log(options.target) as target:
        return await fill(source, target)


async def fill(source: LogReader, target: EventLog) -> int:
    """Append what the target lacks, then compare. Raises Differs."""
    there, end = await target.head(), await source.head()
    if there > end:
        raise Differs(f"The target holds {there} records already, and the source {end}: copy into a new one.")
    with progress("comparing", there) as reached:
        begin = await compare(source, target, BEGINNING, there, reached)
    with progress("copying", end, there) as reached:
        await move(source, target, there, end, reached)
    with progress("checking", end, there) as reached:
        place = await compare(source, target, begin, end, reached)
    tell(f"{count(end - there, 'record')} copied, {there:,} were there. Head: {place}")
    return 0
