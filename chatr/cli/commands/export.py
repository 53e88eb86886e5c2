"""chatr export: writes a log to a file, or its messages as a transcript."""

import argparse
import sys
from pathlib import Path

from chatr.adapters.stores.export.file import new_export
from chatr.adapters.stores.export.lines import closing_line, record_line
from chatr.adapters.stores.urls import open_reader
from chatr.cli.arguments import add_log_option, describe, file_or_stream
from chatr.cli.output.progress import print_above_bar, progress
from chatr.cli.output.text import counted
from chatr.cli.output.transcript import FORMATS, new_transcript, transcript_lines
from chatr.domain.chain import CHAIN_START
from chatr.past.replay import Progress, removals_at
from chatr.past.transfer import advance, verified_batches
from chatr.ports import LogReader


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr export`."""
    describe(
        command,
        "Write every record as it is stored, one line each, to a new file that only you may read. Other commands read "
        "the file like a log, and chatr import creates a log from it. A record that was altered ends the export.",
        "room.jsonl.gz",
        "room.md --transcript md",
        "- | ssh backup.example.org 'cat > room.jsonl'",
    )
    text = "FILE.jsonl, or FILE.jsonl.gz to compress it; - for standard output"
    command.add_argument("file", type=file_or_stream, metavar="FILE", help=text)
    command.add_argument(
        "--transcript", choices=FORMATS, help="write for people the messages that are not removed, instead of records"
    )
    add_log_option(command)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Write the file. Raises CannotOpenLog or LogsDiffer; then no file is left."""
    async with open_reader(options.log) as log:
        # A server may append meanwhile: records after this position are left out, so that the export ends.
        end = await log.head()
        if options.transcript:
            result = await write_transcript(log, end, options)
        else:
            with progress("exporting", end) as show_position:
                result = await write_records(log, end, options.file, show_position)
    if options.file is None:
        # Standard output is the export itself.
        sys.stderr.write(f"{result}\n")
    else:
        print_above_bar(result)
    return 0


async def write_records(log: LogReader, end: int, path: Path | None, show_position: Progress) -> str:
    """Write the records up to position `end`, then the closing line, and return a sentence about the result."""
    point = CHAIN_START
    with new_export(path) as file:
        async for batch in verified_batches(log, 0, end, for_copy=True):
            file.writelines(map(record_line, batch))
            point = advance(point, batch)
            show_position(point.position)
        # Written last: a file that was cut off is recognised by its missing closing line.
        file.write(closing_line(point))
    return f"{counted(point.position, 'record')} exported. Head: {point}"


async def write_transcript(log: LogReader, end: int, options: argparse.Namespace) -> str:
    """Write the messages up to position `end` that are not removed, and return a sentence about the result."""
    count = 0
    with progress("searching removals", end) as show_position:
        removals = await removals_at(log, end, show_position)
    with progress("exporting", end) as show_position, new_transcript(options.file, options.transcript) as transcript:
        async for line in transcript_lines(log, end, removals, show_position):
            transcript.write(line)
            count += 1
    return f"{counted(count, 'message')} written."
