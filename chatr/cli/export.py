"""chatr export."""

import argparse
from pathlib import Path

from chatr.adapters.export_file import new_export
from chatr.adapters.export_lines import Closing, closing_line, record_line
from chatr.app import open_reader
from chatr.cli.progress import progress, tell
from chatr.cli.source import add_command, add_log
from chatr.cli.tables import count
from chatr.cli.transcript import FORMS, new_transcript, said
from chatr.past import Progress, batches
from chatr.ports import LogReader
from chatr.transfer import BEGINNING


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "export",
        "write the log to a file",
        "Write every record as it is stored, a line each, to a new file that only you may read. Other commands read "
        "it as they read a log, and chatr import makes a log of it.",
        "room.jsonl.gz",
        "room.md --transcript md",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="FILE.jsonl, or FILE.jsonl.gz to have it packed")
    command.add_argument("--transcript", choices=FORMS, help="write what was said, for people, instead")
    add_log(command)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    async with open_reader(options.log) as log:
        end = await log.head()
        with progress("exporting", end) as reached:
            if options.transcript:
                told = await write_transcript(log, end, options, reached)
            else:
                told = await write_records(log, end, options.file, reached)
    tell(told)
    return 0


async def write_records(log: LogReader, end: int, path: Path, reached: Progress) -> str:
    place = BEGINNING
    with new_export(path) as file:
        async for batch in batches(log, until=end):
            file.writelines(map(record_line, batch))
            place = place.after(batch)
            reached(place.position)
        file.write(closing_line(Closing(place.position, place.head)))
    return f"{count(place.position, 'record')} exported. Head: {place}"


async def write_transcript(log: LogReader, end: int, options: argparse.Namespace, reached: Progress) -> str:
    written = 0
    with new_transcript(options.file, options.transcript) as transcript:
        async for message in said(log, end, reached):
            transcript.write(message)
            written += 1
    return f"{count(written, 'message')} written."
