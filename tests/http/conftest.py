"""Tests of streams run on both event loops, because a stream's connection is taken from aiohttp by the loop's means."""

import asyncio
from collections.abc import Callable, Mapping

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
