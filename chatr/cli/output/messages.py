"""Prints messages of a room: in colours and columns on a terminal, one plain line each in a pipe, or as JSON."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from zlib import crc32

from attrs import define

from chatr.cli.output.columns import display_width, isolated, terminal_width, wrapped
from chatr.cli.output.tables import json_text
from chatr.cli.output.text import printable
from chatr.wire import Message
from chatr.wire.text_format import BREAK_SIGN, LINE_BREAKS, message_lines

NAME_WIDTH: Final = 14
NARROW: Final = 60
"""Columns below which the text begins right behind the name."""
NARROW_INDENT: Final = 2
NAME_COLOURS: Final = (31, 32, 33, 34, 35, 36)
BOLD: Final = 1
DIM: Final = 2


@define
class MessagePrinter:
    """Prints messages to standard output. `width` is that of the terminal, None in a pipe; `date` that of the last."""

    width: int | None
    has_colours: bool
    as_json: bool
    date: str

    @classmethod
    def for_stdout(cls, *, as_json: bool = False) -> "MessagePrinter":
        """Return a printer that fits what standard output is. NO_COLOR and TERM=dumb switch colours off."""
        width = None if as_json else terminal_width()
        has_colours = width is not None and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(width, has_colours, as_json, datetime.now(UTC).date().isoformat())

    def print(self, message: Message, *, to_you: bool = False) -> None:
        """Print a message, and before it its date if that is not the one of the message before, at first today."""
        if self.as_json:
            self._write(json_text(message))
            return
        *date, line = message_lines([message], self.date, [message.id] if to_you else [])
        self.date = message.timestamp[:10]
        for each in date:
            self.note(each)
        for each in [printable(line)] if self.width is None else self._rows(message, self.width, to_you=to_you):
            self._write(each)

    def note(self, line: str) -> None:
        """Print a line that is no message; nothing among JSON."""
        if not self.as_json:
            self._write(self._coloured(printable(line), DIM))

    def _rows(self, message: Message, width: int, *, to_you: bool) -> Iterator[str]:
        """Yield the rows of a message on a terminal; the rows after the first are indented to its text."""
        sign, time = f"#{message.id}", message.timestamp[11:16]
        name = printable(message.agent_name) + ("✓" if message.verified else "")
        marks = (f"↩{message.reply_to} " if message.reply_to else "") + ("auto " if message.automatic else "")
        padding = " " * (0 if width < NARROW else max(0, NAME_WIDTH - display_width(name)))
        lead = f"{sign:>6} {time} {name}{padding} " if width >= NARROW else f"{sign} {time} {name} "
        indent = display_width(lead) if width >= NARROW else NARROW_INDENT
        text = marks + printable(LINE_BREAKS.sub(BREAK_SIGN, message.content))
        first, *others = wrapped(text, width - display_width(lead), width - indent)
        colour = NAME_COLOURS[crc32(message.agent_name.encode()) % len(NAME_COLOURS)]
        number = self._coloured(f"{sign:>6}" if width >= NARROW else sign, DIM)
        emphasis = BOLD if to_you else None
        yield f"{number} {time} {self._coloured(name, colour)}{padding} {self._coloured(isolated(first), emphasis)}"
        for each in others:
            yield " " * indent + self._coloured(isolated(each), emphasis)

    def _coloured(self, text: str, code: int | None) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colours and code is not None and text else text

    def _write(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        # A reader of the pipe acts on each message, and what is acknowledged must have been written before.
        sys.stdout.flush()
