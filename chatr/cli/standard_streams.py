"""Makes standard input, output and error usable for every command, also where they are closed or do not block.

docs/decisions/standard-streams.md lists what the parent process may have done to them.
"""

import codecs
import io
import os
import sys
from typing import Any, Final

from chatr.waiting_io import read_some, write_some

ESCAPES: Final = "chatr_escapes"
"""Name of the error handler `escaped_as_in_json`."""


class CannotWriteOutput(OSError):
    """Standard output takes no more: its reader has ended, or its disk is full."""


class StandardFile(io.RawIOBase):
    """One of the descriptors 0, 1 and 2. It waits also where the descriptor does not block, and is never closed."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self._descriptor)

    def readable(self) -> bool:
        """Return whether it is standard input."""
        return self._descriptor == 0

    def writable(self) -> bool:
        """Return whether it is standard output or standard error."""
        return self._descriptor != 0

    def readinto(self, buffer: Any) -> int:
        """Read at least one byte unless it is at its end, and return how many. Raises OSError."""
        data = read_some(self._descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        """Write at least one byte, and return how many. Raises CannotWriteOutput for standard output.

        What standard error cannot take is dropped: nobody could be told, and the exit code must stay what it is.
        """
        try:
            return write_some(self._descriptor, data)
        except OSError as error:
            if self._descriptor == 1:
                raise CannotWriteOutput(error.errno, error.strerror) from error
            return memoryview(data).nbytes


def open_standard_streams() -> None:
    """Open standard streams that are closed, and replace Python's by streams that wait and can write any character.

    Must be called before anything else is opened, which would get the descriptor of a closed stream.
    """
    codecs.register_error(ESCAPES, escaped_as_in_json)
    for descriptor in range(3):
        open_if_closed(descriptor)
    # Streams that are already replaced, as by a test, are left alone.
    if sys.stdin is sys.__stdin__:
        sys.stdin = wrapped(sys.stdin, io.BufferedReader(StandardFile(0)))
    if sys.stdout is sys.__stdout__:
        sys.stdout = wrapped(sys.stdout, io.BufferedWriter(StandardFile(1)))
    if sys.stderr is sys.__stderr__:
        sys.stderr = wrapped(sys.stderr, io.BufferedWriter(StandardFile(2)), line_buffering=True)


def open_if_closed(descriptor: int) -> None:
    """Open the null device as a standard stream that is closed.

    Otherwise the next file or socket gets its descriptor. uvloop aborts the process when it closes one of these.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        # The lowest free descriptor is taken, which is this one: those below it are open.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def wrapped(old: Any, buffer: Any, *, line_buffering: bool = False) -> io.TextIOWrapper:
    """Return a stream of text on `buffer` with the properties of `old`, which is None if it was closed."""
    if old is None:
        return io.TextIOWrapper(buffer, "utf-8", ESCAPES, line_buffering=line_buffering)
    # With PYTHONUNBUFFERED, Python's stream writes without a buffer, and loses the rest when a pipe takes only a part.
    # This one has a buffer, and is flushed at each line.
    is_line_buffered = line_buffering or old.line_buffering or old.write_through
    errors = ESCAPES if buffer.writable() else old.errors
    return io.TextIOWrapper(buffer, old.encoding, errors, line_buffering=is_line_buffered)


def escaped_as_in_json(error: UnicodeError) -> tuple[str, int]:
    r"""Return what is written for characters that the encoding lacks, as \u2026, which JSON understands, too.

    A message may hold a character that the terminal's encoding lacks. An error handler of `codecs`.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end
