"""What was said, for people: to be read (Markdown), or to be opened as a spreadsheet (CSV)."""

import csv
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from attrs import frozen

from chatr.cli.records import Names
from chatr.cli.tables import clean, time
from chatr.domain.events import MessagePosted
from chatr.past import Progress, batches
from chatr.ports import LogReader
from chatr.whole_file import new_file

MARKUP: Final = re.compile(r"[!#$&()*+\-.:<=>@\[\\\]^_`{|}~]")
"""Whatever may begin markup, or make a link of what follows."""
FORMULA: Final = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""Where a cell begins like this, a spreadsheet computes it: https://owasp.org/www-community/attacks/CSV_Injection."""


@frozen
class Said:
    position: int
    time: str
    name: str
    content: str


async def said(log: LogReader, end: int, reached: Progress) -> AsyncIterator[Said]:
    """Every message up to `end`. Raises Unreadable."""
    names = Names()
    async for batch in batches(log, until=end):
        for entry in map(names.entry, batch):
            event = entry.record.event
            if isinstance(event, MessagePosted):
                yield Said(entry.record.position, time(event.at), str(entry.name), event.content)
        reached(batch[-1].position)


class Markdown:
    """A list for each day."""

    encoding = "utf-8"

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._day: str | None = None

    def write(self, said: Said) -> None:
        day, _, clock = said.time.rstrip("Z").partition("T")
        if day != self._day:
            self._file.write(f"# {day}\n\n" if self._day is None else f"\n# {day}\n\n")
            self._day = day
        content = "<br>".join(map(unmarked, said.content.split("\n")))
        self._file.write(f"- {clock} **{unmarked(said.name)}**: {content}\n")


class Csv:
    """A row for each message. What a spreadsheet would take for a formula stands behind an apostrophe."""

    encoding = "utf-8-sig"  # Excel knows UTF-8 by its mark only

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        self._rows.writerow(("position", "time", "agent", "message"))

    def write(self, said: Said) -> None:
        self._rows.writerow((said.position, said.time, inert(said.name), inert(said.content)))


FORMS: Final[dict[str, type[Markdown] | type[Csv]]] = {"md": Markdown, "csv": Csv}


@contextmanager
def new_transcript(path: Path, form: str) -> Iterator[Markdown | Csv]:
    """A new file for one of the `FORMS`. Raises Unusable."""
    made = FORMS[form]
    with new_file(path) as partial, partial.open("w", encoding=made.encoding, newline="") as file:
        yield made(file)


def unmarked(text: str) -> str:
    return MARKUP.sub(r"\\\g<0>", clean(text))


def inert(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text
