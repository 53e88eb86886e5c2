"""Reads and writes file descriptors that may not block, as if they did.

Whoever starts a process may have set O_NONBLOCK on the pipes that are its standard streams, as node does with its own.
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
    """Return from one to `most` bytes, none at the end. Raises OSError."""
    return repeat_when_ready(descriptor, select.POLLIN, lambda: os.read(descriptor, most))


def repeat_when_ready(descriptor: int, event: int, operation: Callable[[], Result]) -> Result:
    """Return the result of `operation`, for which the descriptor is waited for if it would block."""
    while True:
        try:
            return operation()
        # Not removed is O_NONBLOCK: it belongs to the open file, which other processes may use.
        except BlockingIOError:
            poll = select.poll()
            poll.register(descriptor, event)
            poll.poll()
