"""Watchers that cannot keep up: they are cut off, nobody waits for them, and they lose nothing."""

import asyncio
from typing import Final

from chatr.adapters.http.site import Patience
from chatr.domain.limits import MESSAGES_KEPT
from chatr.hub import Hub
from tests.conftest import OpenRoom, Room
from tests.crowd import LONG, Speaker, numbered, speaker
from tests.watching import PATIENCE, Watch, watching

LITTLE: Final = 4096
"""Bytes that a slow watcher's machine holds for it."""


async def heard_until_cut(watch: Watch) -> list[str]:
    """The ids of the messages that still arrive at a watcher that was cut off."""
    heard = []
    try:
        while True:
            heard += await watch.messages(1)
    except OSError:
        return heard


async def talk(ada: Speaker, hub: Hub, watchers: int) -> list[str]:
    """Say long things until only so many watchers are left."""
    said: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(hub) > watchers:
            said += await ada.say(f"{len(said)} {LONG}")
    return said


async def test_one_that_is_too_slow_is_cut_off_and_loses_nothing(open_room: OpenRoom) -> None:
    """Once too much waits for a watcher it is cut off; it comes back with its last id and has missed nothing."""
    hub = Hub()
    room = await open_room(hub=hub)
    ada = await speaker(room.running.node)
    async with watching(room.running.url, receive=LITTLE) as slow:
        await slow.frames(2)
        said = await talk(ada, hub, 0)
        heard = await heard_until_cut(slow)
    async with watching(room.running.url, last_id=slow.last_id) as slow:
        heard += await slow.messages(len(said) - len(heard))
        said += await ada.say("later")
        heard += await slow.messages(1)

    assert heard == said


async def test_nobody_waits_for_a_slow_one(open_room: OpenRoom) -> None:
    """While one takes nothing until it is cut off, another gets everything that is said, in order."""
    hub = Hub()
    room = await open_room(hub=hub)
    ada = await speaker(room.running.node)
    async with watching(room.running.url, receive=LITTLE), watching(room.running.url) as quick:
        listening = asyncio.create_task(heard_until_cut(quick))
        said = await talk(ada, hub, 1)
        hub.flush()
        quick.connection.write_eof()
        heard = await listening

    assert heard == said


async def test_what_a_watcher_asked_for_is_not_held_against_it(room: Room) -> None:
    """A thousand missed messages may be more than may wait live; a watcher may take its time for them."""
    ada = await speaker(room.running.node)
    first, *said = await ada.say(*numbered(MESSAGES_KEPT, LONG))
    async with watching(room.running.url, last_id=ada.id_of(first), receive=LITTLE) as slow:
        said += await ada.say("live", "and more")
        heard = await slow.messages(len(said))

    assert heard == said


async def test_one_that_takes_nothing_is_cut_off(open_room: OpenRoom) -> None:
    """A watcher who takes none of what waits for it is cut off after a while, however little that is."""
    hub = Hub(patience=0.1)
    room = await open_room(hub=hub, patience=Patience(tick=0.02), stats_every=1)
    ada = await speaker(room.running.node)
    async with watching(room.running.url, receive=LITTLE) as stalled, watching(room.running.url) as other:
        await stalled.frames(2)
        said = await ada.say(*numbered(600, LONG))
        async with asyncio.timeout(PATIENCE):
            while len(hub) > 1:
                await other.frame()
        heard = await heard_until_cut(stalled)

    assert 0 < len(heard) < 600
    assert heard == said[: len(heard)]
