"""chatr import."""

import argparse
from pathlib import Path

from chatr.adapters.export_file import export_reader
from chatr.app import open_log
from chatr.cli.copy import fill
from chatr.cli.progress import progress
from chatr.cli.source import add_command, default_log
from chatr.transfer import Differs, proved


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "import",
        "make a log of an exported file",
        "Make a log of an exported file, byte for byte, and compare the two. An import that was interrupted goes on "
        "where it stopped.",
        "room.jsonl.gz --log sqlite:///again.db",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="what chatr export wrote")
    command.add_argument("--log", default=default_log(), metavar="URL", help="the new log (default %(default)s)")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    async with export_reader(options.file) as source:
        closing = source.closing
        with progress("checking", closing.count) as reached:
            place = await proved(source, closing.count, reached)
        if place.head != closing.head:
            raise Differs(f"{options.file} was changed: its records do not come out at the head that closes it.")
        async with open_log(options.log) as target:
            return await fill(source, target)
