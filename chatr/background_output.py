"""Standard output and standard error, written by threads of their own.

A pipe that nobody reads holds 64 KiB; whoever writes more to it waits for ever, and would be the event loop.
"""

import atexit
import io
import os
import sys
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Final, TextIO

import structlog

from chatr.waiting_io import write_some

MAX_WAITING: Final = 1_000
"""Texts, about one for each log line, that wait to be written. Further ones are dropped and counted."""
SECONDS_AT_EXIT: Final = 1.0
"""How long the end of the process waits until everything is written."""
SECONDS_AT_ABRUPT_END: Final = 0.1
"""The same for a process that had to end already."""

logger = structlog.get_logger()


class BackgroundStream(io.TextIOBase):
    """Passes text to a thread, which writes it to a file descriptor; writing to this stream never waits.

    When the texts that waited are written, a log line says how many others were dropped.
    """

    def __init__(self, descriptor: int, encoding: str, max_waiting: int = MAX_WAITING) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._max_waiting = max_waiting
        self._dropped = 0
        # Not queue.Queue: the garbage collector may report an error while this thread holds such a queue's lock.
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        # A daemon, because a thread that waits for the reader of a pipe would hold up the end of the process.
        self._writer = Thread(target=self._write_waiting, name="background output", daemon=True)
        self._writer.start()

    def write(self, text: str) -> int:
        """Queue `text`, or drop it if too much waits already; return its length."""
        if self._waiting.qsize() < self._max_waiting:
            self._waiting.put(text)
        else:
            self._dropped += 1
        return len(text)

    def fileno(self) -> int:
        """Return the descriptor that is written to."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def drain(self, seconds: float = SECONDS_AT_EXIT) -> None:
        """Wait at most so long until everything that waits is written, and stop the thread."""
        self._waiting.put(None)
        self._writer.join(seconds)

    def _write_waiting(self) -> None:
        ended = False
        while not ended or not self._waiting.empty():
            text = self._waiting.get()
            ended = ended or text is None
            if text is not None and not self._write_now(text):
                self._dropped += 1
            # Not after a failure: on a full disk the report would be dropped, too, and cause another one.
            elif self._dropped and self._waiting.empty():
                dropped, self._dropped = self._dropped, 0
                logger.warning("log_lines_dropped", count=dropped)

    def _write_now(self, text: str) -> bool:
        """Write the text, and return whether that succeeded."""
        rest = text.encode(self._encoding, "backslashreplace")
        with suppress(OSError):
            while rest:
                rest = rest[write_some(self._descriptor, rest) :]
        return not rest


def write_what_waits() -> None:
    """Wait a moment until what was printed is written: for a process that ends without its usual clean-up."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, BackgroundStream):
            stream.drain(SECONDS_AT_ABRUPT_END)


def write_in_background() -> None:
    """Replace sys.stdout and sys.stderr by background streams until the process ends.

    Whatever Python prints is then written in the background: log lines, tracebacks, warnings.
    """
    for name in ("stdout", "stderr"):
        stream: TextIO = getattr(sys, name)
        # A stream without a descriptor, such as that of a test, never waits.
        with suppress(io.UnsupportedOperation):
            background = BackgroundStream(stream.fileno(), stream.encoding)
            stream.flush()
            setattr(sys, name, background)
            atexit.register(background.drain)
