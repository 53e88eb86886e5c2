"""Addresses at which there is no room, and a room that is away for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatr.client import NoAnswer, Room, RoomError
from tests.cli.conftest import Chatr
from tests.client.faulty_proxy import Fault, faulty_proxy
from tests.conftest import Room as Server

HTML = b"HTTP/1.1 %s\r\nContent-Length: 6\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>"
NO_ROOMS = {"a page": HTML % b"200 OK", "404": HTML % b"404 Not Found", "not HTTP": b"SSH-2.0-OpenSSH\r\n"}
GIVES_UP = 0.1
"""Seconds. The pause before the second attempt is longer."""


@asynccontextmanager
async def answering(data: bytes) -> AsyncIterator[int]:
    """Run a server that answers each connection with these bytes. Yields its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(data)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("data", NO_ROOMS.values(), ids=NO_ROOMS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_is_no_room_is_an_error_at_once(data: bytes, scheme: str) -> None:
    """The sentence names the address and says what to do. Nothing is sent again."""
    retried: list[RoomError] = []
    async with answering(data) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        async with Room(url, first_time_limit=60, on_retry=retried.append) as room:
            with pytest.raises(RoomError) as raised:
                await room.me()

    assert (url in str(raised.value), "check the address" in str(raised.value), retried) == (True, True, [])


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "256.1.1.1"])
def test_a_host_that_does_not_exist_is_an_error_at_once(chatr: Chatr, host: str) -> None:
    """The command ends with one sentence and exit code 1."""
    result = chatr("who", "--room", f"http://{host}")

    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert f"http://{host}" in result.err


async def test_a_refused_connection_is_retried_for_the_first_time_limit() -> None:
    """The address may be wrong, so it is not tried for the whole time limit."""
    async with Room("http://127.0.0.1:1", first_time_limit=GIVES_UP) as room:
        with pytest.raises(NoAnswer) as raised:
            await room.me()

    assert str(raised.value) == (
        "The room at http://127.0.0.1:1 cannot be reached (Connection refused): check the address."
    )


@pytest.mark.long
async def test_a_room_that_has_answered_is_waited_for(room: Server) -> None:
    """After the first answer calls retry for the whole time limit; each interruption is reported once."""
    ada, reported = await room.register(), list[RoomError]()
    async with (
        faulty_proxy() as proxy,
        Room(proxy.url, ada.key, first_time_limit=GIVES_UP, on_retry=reported.append) as client,
    ):
        proxy.lead_to(room.running.url)
        await client.me()
        proxy.faults += [Fault("GET /api/me", "before"), Fault("GET /api/me", 502)]
        await client.me()

    assert len(reported) == 1
