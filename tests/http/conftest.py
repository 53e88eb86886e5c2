"""A stream is taken from aiohttp by the loop's own means, so what is told of streams is tested on both loops."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

HANDED_OVER = (
    "test_stream",
    "test_stream_closing",
    "test_stream_connection",
    "test_stream_places",
    "test_slow_watchers",
)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    loops: Loops = {"asyncio": asyncio.new_event_loop}
    return {**loops, "uvloop": uvloop.new_event_loop} if item.path.stem in HANDED_OVER else loops
