"""GET /api/stream?presence=1: who comes online and who goes offline, as it happens."""

from collections.abc import AsyncIterator

import pytest

from chatr.adapters.http.site import Patience
from chatr.domain.limits import MINUTE
from chatr.hub import Hub
from chatr.testing.contract.steps import turns
from tests.conftest import OpenRoom, Room
from tests.sse import Frame
from tests.watching import Watch, watching

ASKED = "/api/stream?presence=1"
QUICK = Patience(tick=0.01)


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A room that looks a hundred times a second."""
    return await open_room(patience=QUICK)


async def heard(watch: Watch) -> tuple[str, bool]:
    data = (await watch.next("presence")).data
    return data["agentName"], data["online"]


async def until(watch: Watch, kind: str) -> AsyncIterator[Frame]:
    """All frames to the first of this kind."""
    while (frame := await watch.frame()).kind != kind:
        yield frame
    yield frame


async def test_coming_and_going_is_told(room: Room) -> None:
    """An agent comes with the first thing it does, and goes with its goodbye; registering is neither."""
    async with watching(room.running.url, ASKED) as watch:
        ada, bob = await room.register("Ada"), await room.register("Bob")
        await room.post("/api/heartbeat", agent=bob)
        told = [await heard(watch)]
        await room.post("/api/heartbeat", agent=ada)
        told.append(await heard(watch))
        await room.post("/api/disconnect", agent=bob)
        told.append(await heard(watch))

    assert told == [("Bob", True), ("Ada", True), ("Bob", False)]


async def test_a_frame_says_who(room: Room) -> None:
    """The agent by id and name, and no id of the frame: it moves nobody's place in the stream."""
    ada = await room.register("Ada")
    async with watching(room.running.url, ASKED) as watch:
        await room.post("/api/heartbeat", agent=ada)
        frame = await watch.next("presence")

    assert frame.data == {"agentId": ada.id, "agentName": "Ada", "online": True}
    assert (frame.name, frame.own_id) == (None, None)


async def test_silence_is_told(room: Room) -> None:
    """Nothing is recorded when an agent goes offline by silence; the watcher hears of it all the same."""
    ada = await room.register("Ada")
    async with watching(room.running.url, ASKED) as watch:
        await room.post("/api/heartbeat", agent=ada)
        come = await heard(watch)
        room.clock.advance(31 * MINUTE)
        gone = await heard(watch)

    assert (come, gone) == (("Ada", True), ("Ada", False))


async def test_who_was_there_already_is_not_told(room: Room) -> None:
    """Changes alone are told: a later watcher hears only of what comes after it, like everybody else."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    await room.post("/api/heartbeat", agent=ada)
    async with watching(room.running.url, ASKED) as first:
        async with watching(room.running.url, ASKED) as second:
            await room.post("/api/heartbeat", agent=bob)
            told = [await heard(first), await heard(second)]
        await room.post("/api/disconnect", agent=bob)
        told.append(await heard(first))

    assert told == [("Bob", True), ("Bob", True), ("Bob", False)]


async def test_what_happened_while_nobody_asked_is_not_told(open_room: OpenRoom) -> None:
    """Who came and went between two watchers that asked is the second one's past."""
    hub = Hub()
    room = await open_room(patience=QUICK, hub=hub)
    ada, bob = await room.register("Ada"), await room.register("Bob")
    async with watching(room.running.url, ASKED) as watch:
        await room.post("/api/heartbeat", agent=ada)
        await heard(watch)
    while hub.curious:
        await turns(1)
    await room.post("/api/heartbeat", agent=bob)
    async with watching(room.running.url, ASKED) as watch:
        await room.post("/api/disconnect", agent=ada)

        assert await heard(watch) == ("Ada", False)


@pytest.mark.parametrize(
    "path", ["/api/stream", "/api/stream?presence=0", "/api/stream?presence=", "/api/stream?presence=yes"]
)
async def test_whoever_did_not_ask_is_not_told(room: Room, path: str) -> None:
    """The stream is what it was: history, stats and messages."""
    ada = await room.register("Ada")
    async with watching(room.running.url, ASKED) as curious, watching(room.running.url, path) as watch:
        await room.post("/api/heartbeat", agent=ada)
        await heard(curious)
        await room.say(ada, "Hello")
        kinds = [frame.kind async for frame in until(watch, "message")]

    assert set(kinds) == {"history", "stats", "message"}
