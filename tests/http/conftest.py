"""Tests of streams run on both event loops, because a stream's connection is taken from aiohttp by the loop's means."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

IN_CI = os.environ.get("CI") == "true"
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
    """Leave out the tests that schemathesis generates where all of them are long and no long test runs."""
    # Each worker would generate them all, for three seconds, and then deselect them.
    is_left_out = IN_CI and config.option.markexpr == "not long"
    return True if is_left_out and collection_path.name == "test_schemathesis.py" else None
