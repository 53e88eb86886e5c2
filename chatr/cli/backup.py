"""chatr backup."""

import argparse
from pathlib import Path

from chatr.adapters.sqlite import sqlite_reader
from chatr.adapters.sqlite_backup import backup
from chatr.app import sqlite_file
from chatr.cli.progress import progress, tell
from chatr.cli.source import add_command, default_log
from chatr.cli.tables import count
from chatr.settings import BadSetting
from chatr.transfer import BEGINNING, compare
from chatr.whole_file import new_file


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "backup",
        "back up a SQLite log while it is written",
        "Copy a SQLite log to a new file that only you may read, also while a room is open on it, and compare the "
        "two. To restore it is to start on it.",
        "monday.db",
        "--log sqlite:////var/lib/chatr/chatr.db /mnt/backups/chatr-$(date +%F).db",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the new file")
    command.add_argument("--log", default=default_log(), metavar="URL", help="sqlite:///FILE (default %(default)s)")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    source = sqlite_file(options.log)
    if source is None:
        raise BadSetting(f"{options.log} is no SQLite log: use chatr copy or chatr export.")
    with new_file(options.file) as copy:
        async with sqlite_reader(source) as log:
            with progress("copying", await log.head()) as reached:
                position = await backup(source, copy, reached)
        async with sqlite_reader(source) as log, sqlite_reader(copy) as copied:
            with progress("checking", position) as reached:
                place = await compare(log, copied, BEGINNING, position, reached)
    tell(f"{count(place.position, 'record')} backed up. Head: {place}")
    return 0
