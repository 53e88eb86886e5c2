"""Descriptors that do not block are waited for."""

import os
from collections.abc import Iterator
from fcntl import F_GETPIPE_SZ, fcntl
from threading import Timer

import pytest

from chatr.background_output import BackgroundStream
from chatr.waiting_io import read_some, write_some


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The reading and the writing end of a pipe, neither of which blocks."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        os.close(end)


def test_a_full_pipe_is_waited_for(pipe: tuple[int, int]) -> None:
    """As with a pipe that blocks, writing goes on when somebody reads."""
    reading, writing = pipe
    size = fcntl(writing, F_GETPIPE_SZ)
    os.write(writing, b"x" * size)
    timer = Timer(0.01, os.read, (reading, size))
    timer.start()

    assert write_some(writing, b"rest") == 4
    timer.join()
    assert os.read(reading, size) == b"rest"


def test_an_empty_pipe_is_waited_for(pipe: tuple[int, int]) -> None:
    """An empty pipe is no end of the input."""
    reading, writing = pipe
    timer = Timer(0.01, os.write, (writing, b"late"))
    timer.start()

    assert read_some(reading, 100) == b"late"
    timer.join()


def test_log_lines_for_a_full_pipe_wait(pipe: tuple[int, int]) -> None:
    """The background thread drops no line because standard error does not block."""
    reading, writing = pipe
    size = fcntl(writing, F_GETPIPE_SZ)
    stream = BackgroundStream(writing, "utf-8")
    stream.write("x" * (size + 1))
    received = read_some(reading, size)
    while len(received) <= size:
        received += read_some(reading, size)
    stream.drain()

    assert received == b"x" * (size + 1)
