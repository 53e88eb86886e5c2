"""chatr backup: copies a SQLite log to a new file, also while a server writes to it, once or regularly."""

import argparse
import time
from functools import partial
from pathlib import Path

from chatr import logging_setup
from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.reopening import reopening_reader
from chatr.adapters.stores.urls import sqlite_file
from chatr.atomic_file import create_atomically
from chatr.cli.arguments import add_log_argument, describe, duration, file_or_stream, whole_number
from chatr.cli.backup_folder import BackupFolder
from chatr.cli.errors import CommandError
from chatr.cli.output.progress import print_above_bar, progress
from chatr.cli.output.text import counted
from chatr.cli.repeated_backup import RepeatedBackup
from chatr.domain.chain import CHAIN_START, ChainPoint
from chatr.past.transfer import compare
from chatr.setting_values import LARGEST_COUNT


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr backup`."""
    describe(
        command,
        "Copy a SQLite log to a new file that only you may read, and compare the two. The server may be running. "
        "To restore: chatr serve --log sqlite:///FILE. With --every or --keep, the backups go into a folder and are "
        "named by their time in UTC. Back up a PostgreSQL log with pg_dump, or with chatr export or chatr copy.",
        "monday.db",
        "--log sqlite:////var/lib/chatr/chatr.db /mnt/backups/chatr-$(date +%F).db",
        "--every 1h --keep 24 /mnt/backups",
    )
    command.add_argument(
        "file", type=file_or_stream, metavar="FILE|FOLDER", help="the new file, or the folder of the backups"
    )
    add_log_argument(command, "URL", "sqlite:///FILE (default %(default)s)")
    command.add_argument(
        "--every",
        type=duration,
        metavar="DURATION",
        help="go on and make a backup every 1h, 30m, 1d …; one that fails is logged, and the next one is tried",
    )
    command.add_argument(
        "--keep",
        type=whole_number(1, LARGEST_COUNT),
        metavar="COUNT",
        help="after a backup, delete all older ones of this log in the folder but the newest COUNT",
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Write a backup, or one after the other until a signal. A backup that fails leaves no file.

    Raises CommandError, CannotOpenLog or LogsDiffer.
    """
    source = sqlite_file(options.log)
    if source is None:
        raise CommandError(
            "chatr backup copies SQLite logs, and this is not a SQLite log: use chatr export or chatr copy, or pg_dump."
        )
    if options.file is None:
        raise CommandError("A backup is a database, which cannot be written to standard output: use chatr export -.")
    if options.every is None and options.keep is None:
        await back_up_and_print(source, options.file)
        return 0
    with BackupFolder.locked(options.file, source) as folder:
        if options.every is not None:
            logging_setup.configure()
            await RepeatedBackup(folder, options.every, options.keep, partial(back_up, source)).run_until_signal()
        else:
            folder.remove_unfinished()
            file = folder.file_at(time.time())
            await back_up_and_print(source, file)
            folder.delete_older(file, options.keep)
    return 0


async def back_up_and_print(source: Path, file: Path) -> None:
    """Write a backup and print what it holds. Raises CannotOpenLog or LogsDiffer; then no file is left."""
    end = await back_up(source, file)
    print_above_bar(f"{counted(end.position, 'record')} backed up to {file}. Head: {end}")


async def back_up(source: Path, file: Path) -> ChainPoint:
    """Copy the log in `source` to the new file `file`, compare the two, and return where both end.

    Raises CannotOpenLog or LogsDiffer; then no file is left.
    """
    # The file gets its name only after the comparison, so that an incomplete file is never mistaken for a backup.
    with create_atomically(file) as copy:
        async with reopening_reader(source) as log:
            with progress("copying", await log.head()) as show_position:
                position = await backup(source, copy, show_position)
        async with reopening_reader(source) as log, reopening_reader(copy) as copied:
            with progress("checking", position) as show_position:
                return await compare(log, copied, CHAIN_START, position, show_position)
