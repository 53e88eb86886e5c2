"""Places for streams: how many there are, and that each is given back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Final

import pytest
from structlog.testing import capture_logs

from tests.conftest import OpenRoom
from tests.sse import Watch, answer, connect, request, watching

PROXIED: Final = (ip_network("127.0.0.0/8"),)


async def closed(watch: Watch) -> None:
    watch.connection.close()


async def half_closed(watch: Watch) -> None:
    watch.connection.write_eof()


async def reset(watch: Watch) -> None:
    watch.reset()


async def half_closed_and_deaf(watch: Watch) -> None:
    """Says that it will send no more, and reads no more either."""
    watch.connection.write_eof()
    watch.connection.transport.pause_reading()  # type: ignore[attr-defined] -- a transport that reads and writes


ENDINGS = [closed, half_closed, half_closed_and_deaf, reset]


async def opened(stack: AsyncExitStack, url: str, count: int, **headers: str) -> list[Watch]:
    return [await stack.enter_async_context(watching(url, **headers)) for _ in range(count)]


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


async def test_one_address_may_watch_ten_times(open_room: OpenRoom) -> None:
    """The eleventh stream of an address is refused, with the limit and when to try again."""
    room = await open_room(max_streams_per_ip=10)
    async with AsyncExitStack() as stack:
        streams = await opened(stack, room.running.url, 10)
        refused = await room.get("/api/stream")

    assert [200] * 10 == [each.status for each in streams]
    assert (429, "too_many_streams", 10) == (refused.status, refused.json["code"], refused.json["limit"])
    assert refused.headers["Retry-After"] == str(refused.json["retryAfter"])
    assert "rate limit" in refused.json["error"]


async def test_another_address_has_places_of_its_own(open_room: OpenRoom) -> None:
    """Whoever takes all places of an address takes none of another."""
    room = await open_room(max_streams_per_ip=1, trusted_proxies=PROXIED)
    async with AsyncExitStack() as stack:
        streams = [
            *await opened(stack, room.running.url, 2, X_Forwarded_For="192.0.2.1"),
            *await opened(stack, room.running.url, 1, X_Forwarded_For="192.0.2.2"),
        ]

    assert [200, 429, 200] == [each.status for each in streams]


async def test_there_are_so_many_places_in_all(open_room: OpenRoom) -> None:
    """Where all places are taken, an address that has none is refused too."""
    room = await open_room(max_streams=3, trusted_proxies=PROXIED)
    async with AsyncExitStack() as stack:
        for number in range(3):
            await opened(stack, room.running.url, 1, X_Forwarded_For=f"192.0.2.{number}")
        refused = await room.get("/api/stream", headers={"X-Forwarded-For": "192.0.2.3"})

    assert (429, "too_many_streams", 3) == (refused.status, refused.json["code"], refused.json["limit"])
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize("end", ENDINGS)
async def test_a_place_is_given_back(open_room: OpenRoom, end: Callable[[Watch], Awaitable[None]]) -> None:
    """However a watcher goes, its place is free within a second."""
    room = await open_room(max_streams=1)
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await end(watch)

        assert await free_again(room.running.url)


async def test_a_refusal_costs_no_place(open_room: OpenRoom) -> None:
    """Whoever was refused again and again has a place as soon as there is one."""
    room = await open_room(max_streams=1)
    async with watching(room.running.url) as watch:
        refused = [(await room.get("/api/stream")).status for _ in range(20)]
        await closed(watch)

        assert [429] * 20 == refused
        assert await free_again(room.running.url)


async def leave_early(url: str, times: int) -> None:
    """Ask for the stream and go away without waiting for an answer."""
    for _ in range(times):
        _, writer = await connect(url)
        writer.write(request())
        writer.transport.abort()


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

    assert [] == told


async def test_what_follows_on_a_connection_does_not_hide_its_end(open_room: OpenRoom) -> None:
    """Requests behind the one for the stream are never looked at: they take no place, and keep none taken."""
    room = await open_room(max_streams=2)
    reader, writer = await connect(room.running.url)
    writer.write(request() + 500 * request())
    await (await answer(reader, writer)).frames(2)
    async with watching(room.running.url) as other:
        await other.frames(2)
        writer.close()

        assert await free_again(room.running.url)
