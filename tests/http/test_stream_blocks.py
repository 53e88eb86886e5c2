"""Each block of the stream, which is what stands between two blank lines, has data: some clients fail without it."""

import asyncio
import re
from contextlib import AsyncExitStack
from typing import Final

import pytest

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.stream.hub import Hub
from chatr.app import Timeouts, running_room
from chatr.settings import Settings
from tests.conftest import OPEN_SETTINGS
from tests.node_agents import numbered_texts, register_agent
from tests.stream_client import TIMEOUT, connected, request

CHUNK_SIZE: Final = re.compile(rb"(?:^|\r\n)(?:[1-9a-f][0-9a-f]*\r\n|0\r\n\r\n$)")
STREAMS: Final = {
    "new": {},
    "resumed": {"last": "first"},
    "nothing missed": {"last": "newest"},
    "id of another log": {"last": "7-deadbeef"},
    "HTTP/1.0": {"version": "1.0"},
    "on aiohttp's path": {"path": "/api/stream?presence=%31"},
    "with presence": {"path": "/api/stream?presence=1"},
    "with removals": {"path": "/api/stream?events=removed", "last": "first"},
}


async def whole_stream(*, posted: int, path: str = "/api/stream", last: str = "", version: str = "1.1") -> bytes:
    """Return all bytes of a stream without chunk sizes: its beginning, comments, a live message, and its end."""
    timeouts = Timeouts(http=HttpTimeouts(tick=0.01))
    async with AsyncExitStack() as stack:
        async with running_room(Settings(**OPEN_SETTINGS), timeouts=timeouts, hub=Hub(comment_interval=0)) as room:
            ada = await register_agent(room.node)
            positions = await ada.post(*numbered_texts(posted))
            cursors = [ada.cursor_at(position) for position in positions]
            cursor = {"first": cursors[0], "newest": cursors[-1]}.get(last, last) if cursors else last
            reader, writer = await stack.enter_async_context(connected(room.url))
            writer.write(request(path, version=version, **({"Last_Event_ID": cursor} if cursor else {})))
            head = await reader.readuntil(b"\r\n\r\n")
            received = await reader.readuntil(b"\n:\n")
            await ada.post("live")
            received += await reader.readuntil(b'"live"')
            received += await reader.readuntil(b"\n:\n")
        async with asyncio.timeout(TIMEOUT):
            received += await reader.read()
    return CHUNK_SIZE.sub(b"", received) if b"chunked" in head else received


@pytest.mark.parametrize("posted", [0, 3])
@pytest.mark.parametrize("name", STREAMS)
async def test_every_block_has_data(name: str, posted: int) -> None:
    """Whatever the stream begins with, through comments, live frames and the farewell."""
    stream = await whole_stream(posted=posted, **STREAMS[name])
    *blocks, rest = stream.split(b"\n\n")

    assert [block for block in blocks if not re.search(rb"^data: \{", block, re.MULTILINE)] == []
    assert rest in {b"", b":\n"}
