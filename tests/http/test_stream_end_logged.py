"""The line of the access log about the end of a stream."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.watcher import MAX_WAITING_BYTES
from tests.conftest import OpenRoom
from tests.http.test_stream_closing import eventually
from tests.node_agents import LONG_TEXT, numbered_texts, register_agent
from tests.stream_client import Watch, watching


def ended(lines: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the lines about streams that ended."""
    return [dict(line) for line in lines if line["event"] == "stream_ended"]


async def client_leaves(_: Hub, watch: Watch) -> None:
    watch.connection.close()


async def log_is_replaced(hub: Hub, _: Watch) -> None:
    hub.drop_all()


async def room_becomes_private(hub: Hub, _: Watch) -> None:
    await hub.drop_readers(lambda _: False)


async def too_much_waits(hub: Hub, _: Watch) -> None:
    for _number in range(8):
        hub.publish([bytes(MAX_WAITING_BYTES)])
        hub.flush()


async def server_stops(hub: Hub, _: Watch) -> None:
    await hub.close(lambda: b"data: bye\n\n", timeout=0.01)


ENDS: Final = [
    (client_leaves, "client_left"),
    (log_is_replaced, "log_replaced"),
    (room_becomes_private, "reading_needs_key"),
    (server_stops, "server_stopped"),
]


@pytest.mark.parametrize(("end", "reason"), [*ENDS, (too_much_waits, "too_much_waiting")])
@pytest.mark.parametrize("cookie", ["read here", "read by aiohttp: é"])
async def test_the_end_of_a_stream_is_one_line(
    end: Callable[[Hub, Watch], Awaitable[None]], reason: str, cookie: str, open_room: OpenRoom
) -> None:
    """It has the request id of its beginning, how long the stream was open, and why it ended."""
    hub = Hub()
    room = await open_room(hub=hub, access_log=True)
    with capture_logs() as lines:
        async with watching(room.running.url, X_Request_Id="one", Cookie=cookie) as watch:
            await watch.frame()
            await end(hub, watch)
            await eventually(lambda: ended(lines) != [])
    (line,) = ended(lines)

    assert 0 <= line.pop("seconds") < 60
    assert line == {
        "event": "stream_ended",
        "log_level": "info",
        "reason": reason,
        "request_id": "one",
        "address": "127.0.0.0/24",
    }


@pytest.mark.long
@pytest.mark.parametrize(("end", "reason"), ENDS)
async def test_the_end_of_a_stream_that_is_behind_is_one_line(
    end: Callable[[Hub, Watch], Awaitable[None]], reason: str, open_room: OpenRoom
) -> None:
    """It is no other line while the client has not caught up."""
    hub = Hub()
    room = await open_room(hub=hub, access_log=True)
    ada = await register_agent(room.running.node)
    messages = await ada.post(*numbered_texts(1_000, LONG_TEXT))
    with capture_logs() as lines:
        async with watching(room.running.url, last_id=ada.cursor_at(messages[0]), receive=4096) as watch:
            await watch.frame()
            assert hub.behind
            await end(hub, watch)
            await eventually(lambda: ended(lines) != [])

    assert [line["reason"] for line in ended(lines)] == [reason]


async def test_without_access_log_the_end_of_a_stream_is_no_line(open_room: OpenRoom) -> None:
    """As its beginning is none."""
    hub = Hub()
    room = await open_room(hub=hub)
    with capture_logs() as lines:
        async with watching(room.running.url) as watch:
            await watch.frame()
        await eventually(lambda: len(hub) == 0)

    assert lines == []
