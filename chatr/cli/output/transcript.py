"""The messages of a log for people: Markdown to read, or CSV for a spreadsheet."""

import csv
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Final, TextIO

from attrs import frozen

from chatr.atomic_file import create_atomically
from chatr.cli.output.records import NameIndex
from chatr.cli.output.text import format_time, printable
from chatr.domain.events import MessagePosted
from chatr.domain.removals import Removals
from chatr.past.replay import Progress
from chatr.past.transfer import verified_batches
from chatr.ports import LogReader

MARKUP: Final = re.compile(r"[!#$&()*+\-.:<=>@\[\\\]^_`{|}~]")
"""Characters that can begin Markdown or HTML, or make a link of the text around them."""
FORMULA: Final = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""A cell that begins like this is run as a formula: https://owasp.org/www-community/attacks/CSV_Injection."""


@frozen
class TranscriptLine:
    """One message: its position, its time as ISO 8601, and the name of its author."""

    position: int
    time: str
    name: str
    content: str


async def transcript_lines(
    log: LogReader, end: int, removals: Removals, show_position: Progress
) -> AsyncIterator[TranscriptLine]:
    """Yield every message up to position `end` that is not hidden, oldest first.

    Raises LogsDiffer or UnreadableRecord.
    """
    names = NameIndex()
    async for batch in verified_batches(log, 0, end):
        for named in map(names.named, batch):
            event = named.record.event
            # Without content: erased, by a record that may be behind `end`.
            if isinstance(event, MessagePosted) and event.content and named.record.position not in removals:
                yield TranscriptLine(named.record.position, format_time(event.at), str(named.name), event.content)
        show_position(batch[-1].position)


class MarkdownTranscript:
    """Writes messages as Markdown, a list under a heading for each day."""

    encoding = "utf-8"

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._day: str | None = None

    def write(self, line: TranscriptLine) -> None:
        """Write one message; a new day begins with its heading."""
        day, _, time = line.time.rstrip("Z").partition("T")
        if day != self._day:
            self._file.write(f"# {day}\n\n" if self._day is None else f"\n# {day}\n\n")
            self._day = day
        # A line break in Markdown would end the list item.
        content = "<br>".join(map(escape_markup, line.content.split("\n")))
        self._file.write(f"- {time} **{escape_markup(line.name)}**: {content}\n")


class CsvTranscript:
    """Writes messages as CSV, a row for each. No text of an agent becomes a formula of the spreadsheet."""

    encoding = "utf-8-sig"  # Excel recognises UTF-8 only by the byte order mark

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        self._rows.writerow(("position", "time", "agent", "message"))

    def write(self, line: TranscriptLine) -> None:
        """Write one message."""
        self._rows.writerow((line.position, line.time, escape_formula(line.name), escape_formula(line.content)))


FORMATS: Final[dict[str, type[MarkdownTranscript] | type[CsvTranscript]]] = {
    "md": MarkdownTranscript,
    "csv": CsvTranscript,
}
"""The classes that write a transcript, by the name that --transcript takes."""


@contextmanager
def new_transcript(path: Path | None, format_name: str) -> Iterator[MarkdownTranscript | CsvTranscript]:
    """Create a file for a transcript in one of the `FORMATS`, or write to standard output. Raises CannotOpenLog, as for
    a file that exists.
    """
    transcript = FORMATS[format_name]
    if path is None:
        output = TextIOWrapper(sys.stdout.buffer, transcript.encoding, newline="")
        try:
            yield transcript(output)
            output.flush()
        finally:
            # Or its end would close standard output.
            output.detach()
        return
    # The csv module writes its own line ends, hence newline="".
    with create_atomically(path) as partial, partial.open("w", encoding=transcript.encoding, newline="") as file:
        yield transcript(file)


def escape_markup(text: str) -> str:
    """Put a backslash before every character that could be markup, and escape what is not printable."""
    return MARKUP.sub(r"\\\g<0>", printable(text))


def escape_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{text}" if FORMULA.match(text) else text
