"""Places for streams: how many there are, and that each is given back."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Final

import pytest
from structlog.testing import capture_logs

from tests.conftest import OpenRoom
from tests.watching import Watch, answer, connected, request, watching

PROXIED: Final = (ip_network("127.0.0.0/8"),)
ENDINGS: Final[dict[str, Callable[[Watch], None]]] = {
    "closed": lambda watch: watch.connection.close(),
    "half closed": lambda watch: watch.connection.write_eof(),
    "reset": lambda watch: watch.reset(),
}


async def statuses(url: str, *addresses: str) -> list[int]:
    """What is answered to watchers from these addresses, who all stay until the last has its answer."""
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(watching(url, X_Forwarded_For=each)) for each in addresses]
        return [stream.status for stream in streams]


async def free_again(url: str) -> bool:
    """Ask for a place until there is one, for a second."""
    try:
        async with asyncio.timeout(1):
            while True:
                async with watching(url) as watch:
                    if watch.status == 200:
                        return True
    except TimeoutError:
        return False


async def leave_early(url: str, times: int) -> None:
    """Ask for the stream and go away without waiting for an answer."""
    for _ in range(times):
        async with connected(url) as (_, writer):
            writer.write(request())
            writer.transport.abort()


async def test_one_address_may_watch_ten_times(open_room: OpenRoom) -> None:
    """The eleventh stream of an address is refused."""
    room = await open_room(max_streams_per_ip=10)

    assert await statuses(room.running.url, *["192.0.2.1"] * 11) == [200] * 10 + [429]


async def test_a_refused_watcher_is_told_why_and_when_to_try_again(open_room: OpenRoom) -> None:
    """The refusal is like that of any rate."""
    room = await open_room(max_streams_per_ip=1)
    async with watching(room.running.url):
        refused = await room.get("/api/stream")

    assert (refused.status, refused.json["code"], refused.json["limit"]) == (429, "too_many_streams", 1)
    assert int(refused.headers["Retry-After"]) == refused.json["retryAfter"] > 0
    assert "rate limit" in refused.json["error"]


async def test_another_address_has_places_of_its_own(open_room: OpenRoom) -> None:
    """Whoever takes all places of an address takes none of another."""
    room = await open_room(max_streams_per_ip=1, trusted_proxies=PROXIED)

    assert await statuses(room.running.url, "192.0.2.1", "192.0.2.1", "192.0.2.2") == [200, 429, 200]


async def test_there_are_so_many_places_in_all(open_room: OpenRoom) -> None:
    """Where all places are taken, an address that has none is refused too."""
    room = await open_room(max_streams=2, trusted_proxies=PROXIED)

    assert await statuses(room.running.url, "192.0.2.1", "192.0.2.2", "192.0.2.3") == [200, 200, 429]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_place_is_given_back(open_room: OpenRoom, ending: str) -> None:
    """However a watcher goes, its place is free within a second."""
    room = await open_room(max_streams=1)
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        ENDINGS[ending](watch)

        assert await free_again(room.running.url)


async def test_a_refusal_costs_no_place(open_room: OpenRoom) -> None:
    """Whoever was refused again and again has a place as soon as there is one."""
    room = await open_room(max_streams=1)
    async with watching(room.running.url):
        refused = [(await room.get("/api/stream")).status for _ in range(20)]

    assert refused == [429] * 20
    assert await free_again(room.running.url)


async def test_whoever_left_before_the_answer_holds_no_place(open_room: OpenRoom) -> None:
    """A client that asks and goes away without waiting leaves no place taken."""
    room = await open_room(max_streams=1)
    with capture_logs():
        await leave_early(room.running.url, 20)

        assert await free_again(room.running.url)


async def test_whoever_left_before_the_answer_is_no_error(open_room: OpenRoom) -> None:
    """Strangers who come and go must not fill the operator's log."""
    room = await open_room()
    with capture_logs() as told:
        await leave_early(room.running.url, 5)
        async with watching(room.running.url) as last:
            await last.frames(2)

    assert told == []


async def test_what_follows_on_a_connection_does_not_hide_its_end(open_room: OpenRoom) -> None:
    """Requests behind the one for the stream are never looked at: they take no place, and keep none taken."""
    room = await open_room(max_streams=2)
    async with connected(room.running.url) as (reader, writer):
        writer.write(501 * request())
        await (await answer(reader, writer)).frames(2)
        async with watching(room.running.url) as other:
            await other.frames(2)
            writer.close()

            assert await free_again(room.running.url)
