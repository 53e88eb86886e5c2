"""Log lines are written in the background, and lines that repeat are limited."""

import io
import json
import logging
import os
from collections.abc import Iterator
from fcntl import F_GETPIPE_SZ, fcntl

import pytest
import structlog
from structlog.testing import capture_logs

from chatr.background_output import BackgroundStream
from chatr.logging_setup import LeastLevel
from chatr.repeated_lines import MINUTE, MOST_PER_MINUTE, RepeatedLines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The reading and the writing end of a pipe."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


@pytest.mark.parametrize("ends_early", [False, True])
def test_lines_that_do_not_fit_are_counted(pipe: tuple[int, int], ends_early: bool) -> None:
    """Lines for which there is no space are dropped; when the others are written, one more line says how many.

    The same holds if the process ends before they are written.
    """
    reading, writing = pipe
    more_than_fits = 2 * fcntl(writing, F_GETPIPE_SZ)
    stream = BackgroundStream(writing, "utf-8", max_waiting=5)
    with capture_logs() as lines:
        stream.write("x" * more_than_fits)
        for _ in range(100):
            stream.write("\n")
        if ends_early:
            stream.drain(0)
        written = b""
        while len(written) < more_than_fits:
            written += os.read(reading, more_than_fits)
        stream.drain()
        os.close(writing)
        while part := os.read(reading, more_than_fits):
            written += part
    (line,) = lines

    assert (line["event"], line["count"]) == ("log_lines_dropped", 100 - written.count(b"\n"))
    assert line["count"] >= 95


def test_text_that_the_terminal_lacks_is_escaped(pipe: tuple[int, int]) -> None:
    """A character that cannot be encoded, such as half a surrogate pair, is written as its escape."""
    reading, writing = pipe
    stream = BackgroundStream(writing, "ascii")
    stream.write("\U0001f980 \ud800\n")
    stream.drain()
    os.close(writing)

    assert os.read(reading, 100) == b"\\U0001f980 \\ud800\n"


def test_a_line_is_repeated_ten_times_a_minute_at_most() -> None:
    """Further lines about the same event are suppressed, and those of others are not."""
    repeated = RepeatedLines(lambda: 0.0)

    assert [repeated.is_written("append_failed") for _ in range(50)].count(True) == MOST_PER_MINUTE
    assert repeated.is_written("log_away")


def test_suppressed_lines_are_counted() -> None:
    """The first line of a later minute is preceded by one that says how many were suppressed."""
    now = 0.0
    repeated = RepeatedLines(lambda: now)
    for _ in range(50):
        repeated.is_written("append_failed")
    now = MINUTE
    with capture_logs() as lines:
        written = [repeated.is_written("append_failed") for _ in range(2)]

    assert written == [True, True]
    assert lines == [{"event": "lines_suppressed", "of": "append_failed", "count": 40, "log_level": "warning"}]


def test_no_count_of_suppressed_lines_is_suppressed() -> None:
    """However many events had too many lines, each of them is counted."""
    now = 0.0
    repeated = RepeatedLines(lambda: now)
    processors: list[structlog.typing.Processor] = [repeated.drop_event]
    events = [f"event {number}" for number in range(3 * MOST_PER_MINUTE)]
    for event in events * (MOST_PER_MINUTE + 1):
        repeated.is_written(event)
    now = MINUTE
    with capture_logs(processors) as lines:
        repeated.is_written("another event")

    assert [line["of"] for line in lines] == events


def test_progress_is_not_limited() -> None:
    """A long start shows its progress every second."""
    repeated = RepeatedLines(lambda: 0.0)

    assert all(repeated.is_written("reading_the_log") for _ in range(50))


@pytest.mark.parametrize("event", ["request_answered", "request_refused", "connection_refused"])
def test_lines_about_each_request_are_not_limited(event: str) -> None:
    """Who asks for a line about each request gets one about each."""
    repeated = RepeatedLines(lambda: 0.0)

    assert all(repeated.is_written(event) for _ in range(50))


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error", "exception"]),
        ("info", ["info", "warning", "error", "exception"]),
        ("warning", ["warning", "error", "exception"]),
        ("error", ["error", "exception"]),
    ],
)
def test_lines_below_the_level_are_not_written(level: str, written: list[str]) -> None:
    """--log-level is the least level that is written. The access log has a setting of its own."""
    output = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(output), processors=[LeastLevel(level).drop_event, structlog.processors.JSONRenderer()]
    )
    for method in ("debug", "info", "warning", "error", "exception"):
        getattr(logger, method)(method)
    logger.info("request_answered")
    events = [json.loads(line)["event"] for line in output.getvalue().splitlines()]

    assert events == [*written, "request_answered"]


def test_lines_of_libraries_are_limited_by_their_first_line() -> None:
    """Each failed accept is reported by asyncio with another object: all of them are one event."""
    output, library = io.StringIO(), logging.getLogger("test of repeated lines")
    library.propagate = False
    library.addHandler(handler := logging.StreamHandler(output))
    handler.addFilter(RepeatedLines(lambda: 0.0).filter_record)
    for number in range(50):
        library.error("socket.accept() out of system resource\nsocket: %s", number)
        library.error(f"another event\nsocket: {number}")

    assert output.getvalue().count("out of system resource") == MOST_PER_MINUTE
    assert output.getvalue().count("another event") == MOST_PER_MINUTE


def test_suppressed_events_are_dropped_by_structlog() -> None:
    """The processor of structlog drops the events that are suppressed."""
    output = io.StringIO()
    processors: list[structlog.typing.Processor] = [
        RepeatedLines(lambda: 0.0).drop_event,
        structlog.processors.JSONRenderer(),
    ]
    logger = structlog.wrap_logger(structlog.PrintLogger(output), processors=processors)
    for _ in range(50):
        logger.warning("append_failed")

    assert output.getvalue().count("append_failed") == MOST_PER_MINUTE
