"""Coming back: a watcher that names the last message it had gets the rest, each once and in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatr.adapters.http.site import Patience, Site
from chatr.adapters.memory import MemoryLog
from chatr.adapters.moltbook import moltbook
from chatr.adapters.system import SystemSecrets
from chatr.app import background, publish, running, site_settings
from chatr.domain.limits import MESSAGES_KEPT
from chatr.hub import Hub
from chatr.node import Node
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.conftest import OPEN_SETTINGS, Room
from tests.crowd import Speaker, numbered, speaker
from tests.sse import Frame
from tests.watching import Watch, answer, connected, request, watching

SETTINGS = Settings(**OPEN_SETTINGS)
NONSENSE = [
    *("0", "42", "x", "-", "1-", "-abcdef01", "1-ABCDEF01", "1-abcdef012", "1 -abcdef01", "1_0-abcdef01", "é" * 9),
    *("9" * 19 + "-abcdef01", "x" * 4000),
]
FOREIGN = ["1-00000000", "0-00000000", "3-00000000", "9-00000000", "999999999999999999-abcdef01"]
NEW_BEGINNING = ["reset", "history", "stats"]


async def backlog(watch: Watch) -> list[Frame]:
    """The frames before the totals, which end what a watcher is sent before live frames."""
    found = []
    while (frame := await watch.frame()).kind != "stats":
        found.append(frame)
    return found


async def missed(watch: Watch) -> list[str]:
    return [frame.data["id"] for frame in await backlog(watch)]


async def kinds(watch: Watch, count: int) -> list[str]:
    return [frame.kind for frame in await watch.frames(count)]


async def test_what_was_missed_comes_as_messages(room: Room) -> None:
    """Each missed message comes in a frame of its own, once and in order, and then what is said."""
    ada = await speaker(room.running.node)
    first, *others = await ada.say(*numbered(4))
    async with watching(room.running.url, last_id=ada.id_of(first)) as watch:
        frames = await backlog(watch)
        others += await ada.say("live")
        frames.append(await watch.frame())

    assert [(frame.kind, frame.data["id"]) for frame in frames] == [("message", message) for message in others]
    assert [frame.own_id for frame in frames] == [ada.id_of(message) for message in others]


async def test_the_id_of_a_history_resumes_after_it(room: Room) -> None:
    """Who lost its stream after the history alone misses what was said since, and nothing of the history."""
    ada = await speaker(room.running.node)
    await ada.say(*numbered(3))
    async with watching(room.running.url) as watch:
        await watch.frame()
    later = await ada.say("later")
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        assert await missed(watch) == later


async def test_who_missed_nothing_gets_nothing_again(room: Room) -> None:
    """A watcher that comes back at once is sent the totals and what is said from then on."""
    ada = await speaker(room.running.node)
    (said,) = await ada.say("Hello!")
    async with watching(room.running.url, last_id=ada.id_of(said)) as watch:
        again = await missed(watch)
        live = await ada.say("live")

        assert (again, await watch.messages(1)) == ([], live)


async def test_the_query_resumes_too(room: Room) -> None:
    """Clients that cannot set headers give the id as ?lastEventId=."""
    ada = await speaker(room.running.node)
    first, *others = await ada.say(*numbered(3))
    async with watching(room.running.url, f"/api/stream?lastEventId={ada.id_of(first)}") as watch:
        assert await missed(watch) == others


async def test_the_header_wins_over_the_query(room: Room) -> None:
    """A page's address may hold an old id; what the browser sends by itself on coming back is newer."""
    ada = await speaker(room.running.node)
    old, new, last = await ada.say(*numbered(3))
    path = f"/api/stream?lastEventId={ada.id_of(old)}"
    async with watching(room.running.url, path, last_id=ada.id_of(new)) as watch:
        assert await missed(watch) == [last]


async def test_a_thousand_missed_messages_are_all_sent(room: Room) -> None:
    """A watcher may miss 1,000 messages and still get each of them."""
    ada = await speaker(room.running.node)
    first, *others = await ada.say(*numbered(1_001))
    async with watching(room.running.url, last_id=ada.id_of(first)) as watch:
        assert await missed(watch) == others


async def test_one_more_than_a_thousand_is_a_new_beginning(room: Room) -> None:
    """Who missed more is told so, and then gets the history: there is never a silent gap."""
    ada = await speaker(room.running.node)
    (first,) = await ada.say("first")
    too_old = ada.id_of(first)
    others = await ada.say(*numbered(MESSAGES_KEPT))
    async with watching(room.running.url, last_id=too_old) as watch:
        reset, history, stats = await watch.frames(3)

    assert [reset.kind, history.kind, stats.kind] == NEW_BEGINNING
    assert [message["id"] for message in history.data] == others[-100:]


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_an_id_of_another_log_is_a_new_beginning(room: Room, foreign: str) -> None:
    """An id that this log never gave is answered by a reset that says why, and the history."""
    await (await speaker(room.running.node)).say(*numbered(3))
    async with watching(room.running.url, last_id=foreign) as watch:
        reset, history, stats = await watch.frames(3)

    assert [reset.kind, history.kind, stats.kind] == NEW_BEGINNING
    assert isinstance(reset.data["reason"], str)
    assert (reset.own_id, stats.id) == (None, history.own_id)


async def test_only_messages_have_ids(room: Room) -> None:
    """The place of a record that is no message was never an id of the stream."""
    await speaker(room.running.node)
    async with watching(room.running.url, last_id=str(room.running.node.room.cursor)) as watch:
        assert await kinds(watch, 3) == NEW_BEGINNING


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_is_no_id(room: Room, nonsense: str) -> None:
    """What cannot be an id is as good as none: the watcher is a new one."""
    async with watching(room.running.url, last_id=nonsense) as watch:
        assert await kinds(watch, 2) == ["history", "stats"]


@asynccontextmanager
async def lagging(log: MemoryLog) -> AsyncIterator[tuple[str, Node]]:
    """A room open at an address, whose node has not begun to follow its log."""
    clock, secrets, hub = SettableClock(), SystemSecrets(), Hub()
    node = Node(log, clock, secrets, lambda records: publish(hub, node, records))
    async with moltbook(SETTINGS.moltbook_url, None) as book:
        site = Site(log, node, hub, clock, secrets, book, site_settings(SETTINGS, Patience()))
        async with site.open() as url:
            yield url, node


async def said_elsewhere(log: MemoryLog) -> tuple[str, str]:
    """The id of a message that another node has, and the message after it."""
    node = Node(log, SettableClock(), SystemSecrets(), lambda _: None)
    async with background(node.follow()):
        ada = await speaker(node)
        first, second = await ada.say(*numbered(2))
        return ada.id_of(first), second


async def test_a_node_that_is_behind_waits_for_what_a_watcher_has_seen() -> None:
    """An id that this node has not reached may come from a faster one: it is judged when the node has caught up."""
    log = MemoryLog()
    seen, unseen = await said_elsewhere(log)
    async with lagging(log) as (url, node), connected(url) as (reader, writer):
        writer.write(request(Last_Event_ID=seen))
        async with watching(url) as other:
            await other.frames(2)
        async with background(node.follow()):
            watch = await answer(reader, writer)

            assert await missed(watch) == [unseen]


async def test_a_node_that_stays_behind_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that cannot catch up in time says that it does not know the id."""
    monkeypatch.setattr("chatr.node.CATCH_UP", 0.05)
    log = MemoryLog()
    seen, _ = await said_elsewhere(log)
    async with lagging(log) as (url, _), watching(url, last_id=seen) as watch:
        assert await kinds(watch, 3) == NEW_BEGINNING


async def test_a_restart_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """Who comes back to a restarted room with its last id gets what it missed, also what was said in between."""
    settings = Settings(**(OPEN_SETTINGS | {"log": f"sqlite:///{tmp_path}/chatr.db"}))
    async with running(settings) as before, watching(before.url) as watch:
        ada = await speaker(before.node)
        said = await ada.say(*numbered(3))
        heard = await watch.messages(2)
    async with running(settings) as after:
        ada = Speaker(after.node, ada.agent, ada.at)
        said += await ada.say("later")
        async with watching(after.url, last_id=watch.last_id) as watch:
            said += await ada.say("live")
            heard += await watch.messages(3)

    assert heard == said
