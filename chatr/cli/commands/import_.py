"""chatr import: creates a log from an exported file."""

import argparse

from chatr.adapters.stores.export.file import export_reader
from chatr.cli.arguments import add_log_argument, describe, file_or_stream
from chatr.cli.commands.copy import copy_log


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr import`."""
    describe(
        command,
        "Create a log from an exported file, byte for byte, and compare the two. If an import was interrupted, run it "
        "again: it continues where it stopped. Until then a new SQLite log is FILE.incomplete.",
        "room.jsonl.gz --log sqlite:///again.db",
    )
    text = "a file that chatr export wrote; - for standard input"
    command.add_argument("file", type=file_or_stream, metavar="FILE", help=text)
    add_log_argument(command, "URL", "the new log (default %(default)s)")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Import the file. Raises CannotOpenLog or LogsDiffer."""
    async with export_reader(options.file) as source:
        await copy_log(source, options.log)
    return 0
