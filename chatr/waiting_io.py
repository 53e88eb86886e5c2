"""Reads from and writes to file descriptors, and waits also where they are in non-blocking mode.

The parent process may have set O_NONBLOCK on the pipes that are the standard streams, as Node.js does with its own.
"""

import os
import select
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def write_some(descriptor: int, data: bytes | memoryview) -> int:
    """Write at least the first byte of `data`, and return how many were written. Raises OSError."""
    return repeat_when_ready(descriptor, select.POLLOUT, lambda: os.write(descriptor, data))


def read_some(descriptor: int, most: int) -> bytes:
    """Return from one to `most` bytes, or none at the end of the file. Raises OSError."""
    return repeat_when_ready(descriptor, select.POLLIN, lambda: os.read(descriptor, most))


def repeat_when_ready(descriptor: int, event: int, operation: Callable[[], Result]) -> Result:
    """Return the result of `operation`. While it would block, wait for `event`, one of select.poll, and repeat it."""
    while True:
        try:
            return operation()
        # O_NONBLOCK is not removed, because it belongs to the open file, which other processes may use.
        except BlockingIOError:
            poll = select.poll()
            poll.register(descriptor, event)
            poll.poll()
