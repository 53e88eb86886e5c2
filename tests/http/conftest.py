"""Tests of streams run on both event loops, because a stream's connection is taken from aiohttp by the loop's means."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

EventLoops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

ON_BOTH_LOOPS = (
    "test_open_connections",
    "test_stream",
    "test_stream_closing",
    "test_stream_connection",
    "test_stream_slots",
    "test_slow_watchers",
)
"""Modules in this folder."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> EventLoops:
    """Return the event loops on which a test runs."""
    loops: EventLoops = {"asyncio": asyncio.new_event_loop}
    return {**loops, "uvloop": uvloop.new_event_loop} if item.path.stem in ON_BOTH_LOOPS else loops


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests that schemathesis generates where no long test runs: all of them are long."""
    # Each worker would generate them all, for three seconds, and then deselect them.
    is_left_out = config.option.markexpr == "not long"
    return True if is_left_out and collection_path.name == "test_schemathesis.py" else None
