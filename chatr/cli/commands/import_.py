"""chatr import: creates a log from an exported file."""

import argparse

from chatr.adapters.stores.export.file import STANDARD_INPUT, export_reader
from chatr.adapters.stores.urls import open_log
from chatr.cli.arguments import default_log_url, describe, file_or_stream
from chatr.cli.commands.copy import append_missing
from chatr.cli.output.progress import progress
from chatr.past.transfer import LogsDiffer, verified_end


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr import`."""
    describe(
        command,
        "Create a log from an exported file, byte for byte, and compare the two. If an import was interrupted, run it "
        "again: it continues where it stopped.",
        "room.jsonl.gz --log sqlite:///again.db",
    )
    text = "a file that chatr export wrote; - for standard input"
    command.add_argument("file", type=file_or_stream, metavar="FILE", help=text)
    command.add_argument("--log", default=default_log_url(), metavar="URL", help="the new log (default %(default)s)")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Import the file. Raises CannotOpenLog or LogsDiffer."""
    async with export_reader(options.file) as source:
        closing = source.closing
        # The whole file is checked before the target is opened, so that no log is created from a file that was changed.
        with progress("checking", closing.position) as show_position:
            end = await verified_end(source, closing.position, show_position)
        if end.chain_hash != closing.chain_hash:
            raise LogsDiffer(
                f"{options.file or STANDARD_INPUT} was changed: its records do not lead to the head in its last line."
            )
        async with open_log(options.log) as target:
            await append_missing(source, target)
    return 0
