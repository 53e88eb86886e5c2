"""Slots for streams: how many there are, and that each is freed."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Final

import pytest
from structlog.testing import capture_logs

from tests.conftest import OpenRoom
from tests.stream_client import Watch, connected, read_response, request, watching

TRUSTED_PROXIES: Final = (ip_network("127.0.0.0/8"),)
ATTEMPTS: Final = 200
"""Requests that take much less than a second together."""
ENDINGS: Final[dict[str, Callable[[Watch], None]]] = {
    "closed": lambda watch: watch.connection.close(),
    "half closed": lambda watch: watch.connection.write_eof(),
    "reset": lambda watch: watch.reset(),
}


async def statuses(url: str, *addresses: str) -> list[int]:
    """Return the statuses of requests from these addresses; each stream stays open until the last is answered."""
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(watching(url, X_Forwarded_For=address)) for address in addresses]
        return [stream.status for stream in streams]


async def is_slot_freed(url: str) -> bool:
    """Request the stream until there is a slot; return False after many attempts.

    Counting attempts instead of seconds shows that a slot is freed by an event, however slow the machine is.
    """
    for _ in range(ATTEMPTS):
        async with watching(url) as watch:
            if watch.status == 200:
                return True
    return False


async def leave_early(url: str, times: int) -> None:
    """Request the stream and disconnect without waiting for the response."""
    for _ in range(times):
        async with connected(url) as (_, writer):
            writer.write(request())
            writer.transport.abort()


async def test_one_address_may_open_ten_streams(open_room: OpenRoom) -> None:
    """The eleventh is answered with 429."""
    room = await open_room(max_streams_per_ip=10)

    assert await statuses(room.running.url, *["192.0.2.1"] * 11) == [200] * 10 + [429]


async def test_the_error_says_why_and_when_to_try_again(open_room: OpenRoom) -> None:
    """It has the form of all rate limit errors."""
    room = await open_room(max_streams_per_ip=1)
    async with watching(room.running.url):
        rejected = await room.get("/api/stream")

    assert (rejected.status, rejected.json["code"], rejected.json["limit"]) == (429, "too_many_streams", 1)
    assert int(rejected.headers["Retry-After"]) == rejected.json["retryAfter"] > 0
    assert "rate limit" in rejected.json["error"]


async def test_addresses_have_separate_slots(open_room: OpenRoom) -> None:
    """Streams of one address take no slot of another."""
    room = await open_room(max_streams_per_ip=1, trusted_proxies=TRUSTED_PROXIES)

    assert await statuses(room.running.url, "192.0.2.1", "192.0.2.1", "192.0.2.2") == [200, 429, 200]


async def test_the_total_of_streams_is_limited(open_room: OpenRoom) -> None:
    """When all slots are taken, an address without a stream is rejected too."""
    room = await open_room(max_streams=2, trusted_proxies=TRUSTED_PROXIES)

    assert await statuses(room.running.url, "192.0.2.1", "192.0.2.2", "192.0.2.3") == [200, 200, 429]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_slot_is_freed_when_its_stream_ends(open_room: OpenRoom, ending: str) -> None:
    """However the connection ends."""
    room = await open_room(max_streams=1)
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        ENDINGS[ending](watch)

        assert await is_slot_freed(room.running.url)


async def test_rejected_requests_take_no_slot(open_room: OpenRoom) -> None:
    """A client that was rejected again and again gets the next free slot."""
    room = await open_room(max_streams=1)
    async with watching(room.running.url):
        statuses = [(await room.get("/api/stream")).status for _ in range(20)]

    assert statuses == [429] * 20
    assert await is_slot_freed(room.running.url)


async def test_a_client_that_leaves_before_the_response_takes_no_slot(open_room: OpenRoom) -> None:
    """Its slot is freed, although it never became a watcher."""
    room = await open_room(max_streams=1)
    with capture_logs():
        await leave_early(room.running.url, 20)

        assert await is_slot_freed(room.running.url)


async def test_a_client_that_leaves_before_the_response_is_not_logged(open_room: OpenRoom) -> None:
    """Clients that come and go must not fill the operator's log."""
    room = await open_room()
    with capture_logs() as logs:
        await leave_early(room.running.url, 5)
        async with watching(room.running.url) as last:
            await last.frames(2)

    assert logs == []


async def test_pipelined_requests_behind_a_stream_do_not_hide_its_end(open_room: OpenRoom) -> None:
    """They are never parsed: they take no slot, and keep none from being freed."""
    room = await open_room(max_streams=2)
    async with connected(room.running.url) as (reader, writer):
        writer.write(501 * request())
        await (await read_response(reader, writer)).frames(2)
        async with watching(room.running.url) as other:
            await other.frames(2)
            writer.close()

            assert await is_slot_freed(room.running.url)
