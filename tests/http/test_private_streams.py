"""The stream of a private room: it needs a key, and ends when the key is void or the room becomes private."""

from collections.abc import Awaitable
from contextlib import suppress

import pytest
from aiohttp import ClientSession

from chatr.domain.identity import AgentId
from chatr.domain.key_commands import ActivateKey, IssueKey
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE
from tests.conftest import Agent, OpenRoom, Room
from tests.http.private_rooms import QUICK, SECRET, change_reading, revoke, room_with_secret
from tests.http.test_starting_room import starting_room
from tests.postgres import Postgres
from tests.stream_client import watching


@pytest.fixture
async def private(open_room: OpenRoom) -> Room:
    """A private room whose watchers are looked after all the time."""
    return await open_room(reading="agents", timeouts=QUICK)


@pytest.mark.parametrize("headers", [{}, {"X-Odd": "é"}], ids=["first bytes", "aiohttp"])
async def test_a_refused_stream_says_what_to_do(headers: dict[str, str], private: Room) -> None:
    """It is answered as other refused streams are: with a status and a sentence, on either path."""
    await room_with_secret(private)
    answer = await private.get("/api/stream?presence=1&lastEventId=3-00000000", headers=headers)

    assert (answer.status, answer.json["code"]) == (403, "reading_needs_key")
    assert answer.json["error"].startswith("This room is private")


async def test_a_key_opens_the_stream(private: Room) -> None:
    """Its history and what is posted later are sent."""
    ada = await room_with_secret(private)
    async with watching(private.running.url, Authorization=ada.bearer["Authorization"]) as watch:
        history = await watch.frame()
        await watch.frame()
        await private.post_message(ada, "Later.")
        later = [await watch.frame() for _ in range(1)]

    assert [each["content"] for each in history.data] == [SECRET]
    assert [frame.data["content"] for frame in later if frame.kind == "message"] == ["Later."]


async def ended(room: Room, change: Awaitable[None], reader: Agent | None = None) -> bool:
    """Open a stream, with the key of `reader`, await `change`, and wait for the end of the stream."""
    authorization = reader.bearer["Authorization"] if reader else ""
    async with watching(room.running.url, Authorization=authorization) as watch:
        await watch.frame()
        await change
        with suppress(EOFError, OSError):
            while True:
                await watch.frame()
    return True


async def test_a_stream_ends_when_its_key_is_revoked(private: Room) -> None:
    """It ends by itself, and the next request with that key is refused."""
    ada = await room_with_secret(private)

    assert await ended(private, revoke(private, ada), ada)
    assert (await private.get("/api/stream", headers=ada.bearer)).status == 401


async def replace_key(room: Room, agent: Agent) -> None:
    """Put another key in place of the agent's, which stays valid for a minute, and let that minute pass."""
    handle, id_, digest = room.running.node.commands.handle, AgentId(agent.id), hash_key("another key")
    await handle(IssueKey(id_, digest, MINUTE, room.clock.now(), "op"))
    await handle(ActivateKey(id_, digest, room.clock.now()))
    room.clock.advance(MINUTE)


async def test_a_stream_ends_when_its_key_expires(private: Room) -> None:
    """No record says so when the time of an old key is over."""
    ada = await room_with_secret(private)

    assert await ended(private, replace_key(private, ada), ada)


async def test_a_stream_without_a_key_ends_when_the_room_becomes_private(open_room: OpenRoom) -> None:
    """Whoever watched an open room has to send a key from then on."""
    room = await open_room(timeouts=QUICK)
    await room_with_secret(room)

    assert await ended(room, change_reading(room, "agents"))
    assert (await room.get("/api/stream")).status == 403


async def test_a_stream_with_a_key_goes_on_while_others_end(private: Room) -> None:
    """Only the watcher whose key is void is dropped."""
    ada, eve = await room_with_secret(private), await private.register("Eve")
    async with watching(private.running.url, Authorization=ada.bearer["Authorization"]) as watch:
        await ended(private, revoke(private, eve), eve)
        await private.post_message(ada, "Still here.")
        kinds = [(await watch.frame()).kind for _ in range(3)]

    assert kinds == ["history", "stats", "message"]


async def test_a_stream_that_waited_for_the_start_shows_nothing() -> None:
    """Its head was sent before it was known that the room is private: it ends without a frame."""
    async with (
        starting_room(reading="agents") as (url, hold, _),
        ClientSession(url) as http,
        http.get("/api/stream") as reply,
    ):
        hold.release()
        body = await reply.read()

    assert (reply.status, body.strip(b":\n")) == (200, b"")


@pytest.mark.long
async def test_nodes_on_one_database_obey(open_room: OpenRoom, postgres: Postgres) -> None:
    """A start with the setting makes the other nodes private: their streams end, and their responses show nothing."""
    log = postgres.log()
    first = await open_room(log=log, timeouts=QUICK)
    ada = await room_with_secret(first)

    async def start_another() -> None:
        await open_room(log=log, reading="agents")

    assert await ended(first, start_another())
    assert (await first.get("/api/messages")).status == 403
    assert (await first.get("/api/messages", agent=ada)).status == 200
