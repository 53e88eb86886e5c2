"""chatr backup: copies a SQLite log to a new file, also while a server writes to it."""

import argparse
from pathlib import Path

from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.adapters.stores.urls import sqlite_file
from chatr.atomic_file import create_atomically
from chatr.cli.arguments import default_log_url, describe
from chatr.cli.errors import CommandError
from chatr.cli.output.progress import print_above_bar, progress
from chatr.cli.output.text import counted
from chatr.domain.chain import CHAIN_START
from chatr.past.transfer import compare


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr backup`."""
    describe(
        command,
        "Copy a SQLite log to a new file that only you may read, and compare the two. The server may be running. "
        "To restore: chatr serve --log sqlite:///FILE.",
        "monday.db",
        "--log sqlite:////var/lib/chatr/chatr.db /mnt/backups/chatr-$(date +%F).db",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the new file")
    command.add_argument("--log", default=default_log_url(), metavar="URL", help="sqlite:///FILE (default %(default)s)")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Write the backup. Raises CommandError, CannotOpenLog or LogsDiffer; then no file is left."""
    source = sqlite_file(options.log)
    if source is None:
        raise CommandError(f"{options.log} is not a SQLite log: use chatr copy or chatr export.")
    # The file gets its name only after the comparison, so that an incomplete file is never mistaken for a backup.
    with create_atomically(options.file) as copy:
        async with sqlite_reader(source) as log:
            with progress("copying", await log.head()) as show_position:
                position = await backup(source, copy, show_position)
        async with sqlite_reader(source) as log, sqlite_reader(copy) as copied:
            with progress("checking", position) as show_position:
                end = await compare(log, copied, CHAIN_START, position, show_position)
    print_above_bar(f"{counted(end.position, 'record')} backed up. Head: {end}")
    return 0
