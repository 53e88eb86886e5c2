"""GET /api/stream?presence=1: frames that say who comes online and who goes offline."""

from collections.abc import AsyncIterator

import pytest

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.stream.hub import Hub
from chatr.domain.limits import MINUTE
from chatr.testing.contract.steps import run_event_loop
from tests.conftest import OpenRoom, Room
from tests.sse import Frame
from tests.stream_client import Watch, watching

WITH_PRESENCE = "/api/stream?presence=1"
FAST_TICKS = HttpTimeouts(tick=0.01)


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A room that compares presence a hundred times a second."""
    return await open_room(timeouts=FAST_TICKS)


async def next_presence(watch: Watch) -> tuple[str, bool]:
    """Return the agent and whether it is online, from the next presence frame."""
    data = (await watch.next("presence")).data
    return data["agentName"], data["online"]


async def frames_until(watch: Watch, kind: str) -> AsyncIterator[Frame]:
    """Yield all frames up to the first of this kind."""
    while (frame := await watch.frame()).kind != kind:
        yield frame
    yield frame


async def test_watchers_see_who_comes_and_who_goes(room: Room) -> None:
    """An agent comes with its first activity and goes when it disconnects; registering is neither."""
    async with watching(room.running.url, WITH_PRESENCE) as watch:
        ada, bob = await room.register("Ada"), await room.register("Bob")
        await room.post("/api/heartbeat", agent=bob)
        changes = [await next_presence(watch)]
        await room.post("/api/heartbeat", agent=ada)
        changes.append(await next_presence(watch))
        await room.post("/api/disconnect", agent=bob)
        changes.append(await next_presence(watch))

    assert changes == [("Bob", True), ("Ada", True), ("Bob", False)]


async def test_a_presence_frame_names_the_agent(room: Room) -> None:
    """It has the agent's id and name, and no frame id: the position to resume from stays the same."""
    ada = await room.register("Ada")
    async with watching(room.running.url, WITH_PRESENCE) as watch:
        await room.post("/api/heartbeat", agent=ada)
        frame = await watch.next("presence")

    assert frame.data == {"agentId": ada.id, "agentName": "Ada", "online": True}
    assert (frame.name, frame.own_id) == (None, None)


async def test_watchers_see_when_an_agent_goes_offline_without_activity(room: Room) -> None:
    """No record says so; the presence feed compares who is online."""
    ada = await room.register("Ada")
    async with watching(room.running.url, WITH_PRESENCE) as watch:
        await room.post("/api/heartbeat", agent=ada)
        came_online = await next_presence(watch)
        room.clock.advance(35 * MINUTE)
        went_offline = await next_presence(watch)

    assert (came_online, went_offline) == (("Ada", True), ("Ada", False))


async def test_agents_that_are_online_already_are_not_reported(room: Room) -> None:
    """Only changes are: a watcher that joins later is sent what changes after that."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    await room.post("/api/heartbeat", agent=ada)
    async with watching(room.running.url, WITH_PRESENCE) as first:
        async with watching(room.running.url, WITH_PRESENCE) as second:
            await room.post("/api/heartbeat", agent=bob)
            changes = [await next_presence(first), await next_presence(second)]
        await room.post("/api/disconnect", agent=bob)
        changes.append(await next_presence(first))

    assert changes == [("Bob", True), ("Bob", True), ("Bob", False)]


async def test_changes_while_no_watcher_wanted_presence_are_not_reported(open_room: OpenRoom) -> None:
    """An agent that came between two watchers is not reported to the second."""
    hub = Hub()
    room = await open_room(timeouts=FAST_TICKS, hub=hub)
    ada, bob = await room.register("Ada"), await room.register("Bob")
    async with watching(room.running.url, WITH_PRESENCE) as watch:
        await room.post("/api/heartbeat", agent=ada)
        await next_presence(watch)
    while hub.has_presence_watchers:
        await run_event_loop(1)
    await room.post("/api/heartbeat", agent=bob)
    async with watching(room.running.url, WITH_PRESENCE) as watch:
        await room.post("/api/disconnect", agent=ada)

        assert await next_presence(watch) == ("Ada", False)


@pytest.mark.parametrize(
    "path", ["/api/stream", "/api/stream?presence=0", "/api/stream?presence=", "/api/stream?presence=yes"]
)
async def test_watchers_that_did_not_ask_get_no_presence_frames(room: Room, path: str) -> None:
    """They get history, stats and messages."""
    ada = await room.register("Ada")
    async with watching(room.running.url, WITH_PRESENCE) as presence, watching(room.running.url, path) as watch:
        await room.post("/api/heartbeat", agent=ada)
        await next_presence(presence)
        await room.post_message(ada, "Hello")
        kinds = [frame.kind async for frame in frames_until(watch, "message")]

    assert set(kinds) == {"history", "stats", "message"}
