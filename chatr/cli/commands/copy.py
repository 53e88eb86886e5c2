"""chatr copy: copies a log to another store."""

import argparse

from chatr.adapters.stores.export.file import ExportReader
from chatr.adapters.stores.urls import is_exported_file, open_reader
from chatr.cli.arguments import describe
from chatr.cli.errors import CommandError
from chatr.cli.new_log import new_sqlite_file, open_target
from chatr.cli.output.progress import print_above_bar, progress
from chatr.cli.output.text import counted
from chatr.domain.chain import CHAIN_START, ChainPoint
from chatr.past.transfer import LogsDiffer, compare, copy_records, verified_end
from chatr.ports import EventLog, LogReader
from chatr.secret import Secret, secret_url


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr copy`."""
    describe(
        command,
        "Copy a log to another store, byte for byte, and compare the two. The server may be running. If a copy was "
        "interrupted, run it again: it continues where it stopped. Until then a new SQLite log is FILE.incomplete.",
        "sqlite:///chatr.db sqlite:////mnt/chatr.db",
        "room.jsonl.gz sqlite:///again.db",
    )
    command.add_argument("source", type=secret_url, metavar="FROM", help="a log's URL, or an exported file")
    command.add_argument(
        "target", type=secret_url, metavar="TO", help="URL of a new log, or of one that holds the first part of FROM"
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Copy the log. Raises CommandError, CannotOpenLog or LogsDiffer."""
    # An exported file ends with a closing line about all of its records, so nothing can be appended to it.
    if is_exported_file(options.target):
        raise CommandError(f"{options.target} is a file: write it with chatr export.")
    async with open_reader(options.source) as source:
        await copy_log(source, options.target)
    return 0


async def copy_log(source: LogReader, target_url: str | Secret) -> None:
    """Copy a log to the one at `target_url`, and print the result. Raises CannotOpenLog or LogsDiffer."""
    # So that nothing is added to a log from a file that was changed. A new SQLite log has no name until the end.
    if isinstance(source, ExportReader) and new_sqlite_file(target_url) is None:
        with progress("checking", source.closing.position) as show_position:
            check_closing(source, await verified_end(source, source.closing.position, show_position))
    async with open_target(target_url) as target:
        result = await append_missing(source, target)
    print_above_bar(result)


def check_closing(source: ExportReader, end: ChainPoint) -> None:
    """Raise LogsDiffer unless the records of an exported file lead to the head in its closing line."""
    if end != source.closing:
        raise LogsDiffer("The file was changed: its records do not lead to the head in its last line.")


async def append_missing(source: LogReader, target: EventLog) -> str:
    """Append the records that the target lacks, compare the two logs, erase what the source has erased since an earlier
    copy, and return a sentence about the result.

    The common part is compared before anything is written, so that records are not appended to another log.
    Raises LogsDiffer.
    """
    erased: list[int] = []
    begin, end = await target.head(), await source.head()
    if begin > end:
        raise LogsDiffer(f"The target holds {begin} records and the source only {end}: copy to a new log.")
    with progress("comparing", begin) as show_position:
        common = await compare(source, target, CHAIN_START, begin, show_position, erased)
    with progress("copying", end, begin) as show_position:
        await copy_records(source, target, begin, end, show_position)
    # Read back from the target, so that its stored bytes are compared and not those that were sent.
    with progress("checking", end, begin) as show_position:
        if isinstance(source, ExportReader):
            # Two logs with the same chain point are equal, and a file stays as it is: it need not be read again.
            last = await verified_end(target, end, show_position, common)
            check_closing(source, last)
        else:
            last = await compare(source, target, common, end, show_position, erased)
    if erased:
        await target.erase(erased)
    erasures = f", {counted(len(erased), 'record')} erased" if erased else ""
    return f"{counted(end - begin, 'record')} copied, {begin:,} were there{erasures}. Head: {last}"
