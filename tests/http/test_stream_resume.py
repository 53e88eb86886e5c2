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
from tests.sse import Frame, Watch, answer, connect, request, watching

SETTINGS = Settings(**OPEN_SETTINGS)
NONSENSE = ["0", "42", "x", "-", "1-", "-abcdef01", "1-ABCDEF01", "1-abcdef012", "1 -abcdef01", "1_0-abcdef01", "é" * 9]
NONSENSE += ["9" * 19 + "-abcdef01", "x" * 4000]
FOREIGN = ["1-00000000", "0-00000000", "3-00000000", "9-00000000", "999999999999999999-abcdef01"]


def id_of(node: Node, message: str) -> str:
    """The id under which watchers are told of a message."""
    return str(node.room.history.newest[int(message)].cursor)


async def missed(watch: Watch) -> list[Frame]:
    """The frames before the totals, which end what a watcher is sent before live frames."""
    found = []
    while (frame := await watch.frame()).kind != "stats":
        found.append(frame)
    return found


async def test_what_was_missed_comes_as_messages(room: Room) -> None:
    """Each missed message comes in a frame of its own, once and in order, and then what is said."""
    node = room.running.node
    ada = await speaker(node)
    first, *others = await ada.say(*numbered(4))
    async with watching(room.running.url, Last_Event_ID=id_of(node, first)) as watch:
        backlog = await missed(watch)
        others += await ada.say("live")
        live = await watch.frame()

    assert [("message", message) for message in others] == [(each.kind, each.data["id"]) for each in [*backlog, live]]
    assert [id_of(node, message) for message in others] == [each.own_id for each in [*backlog, live]]


async def test_the_id_of_a_history_resumes_after_it(room: Room) -> None:
    """Who lost its stream after the history alone misses what was said since, and nothing of the history."""
    ada = await speaker(room.running.node)
    await ada.say(*numbered(3))
    async with watching(room.running.url) as watch:
        await watch.frame()
    later = await ada.say("later")
    async with watching(room.running.url, Last_Event_ID=watch.last_id) as watch:
        assert later == [frame.data["id"] for frame in await missed(watch)]


async def test_who_missed_nothing_gets_nothing_again(room: Room) -> None:
    """A watcher that comes back at once is sent the totals and what is said from then on."""
    ada = await speaker(room.running.node)
    (said,) = await ada.say("Hello!")
    async with watching(room.running.url, Last_Event_ID=id_of(room.running.node, said)) as watch:
        assert [] == await missed(watch)

        (live,) = await ada.say("live")

        assert live == (await watch.frame()).data["id"]


async def test_the_query_resumes_too(room: Room) -> None:
    """Clients that cannot set headers give the id as ?lastEventId=."""
    first, *others = await (await speaker(room.running.node)).say(*numbered(3))
    path = f"/api/stream?lastEventId={id_of(room.running.node, first)}"
    async with watching(room.running.url, path) as watch:
        assert others == [frame.data["id"] for frame in await missed(watch)]


async def test_the_header_wins_over_the_query(room: Room) -> None:
    """A page's address may hold an old id; what the browser sends by itself on coming back is newer."""
    old, new, last = await (await speaker(room.running.node)).say(*numbered(3))
    path = f"/api/stream?lastEventId={id_of(room.running.node, old)}"
    async with watching(room.running.url, path, Last_Event_ID=id_of(room.running.node, new)) as watch:
        assert [last] == [frame.data["id"] for frame in await missed(watch)]


async def test_a_thousand_missed_messages_are_all_sent(room: Room) -> None:
    """A watcher may miss 1,000 messages and still get each of them."""
    first, *others = await (await speaker(room.running.node)).say(*numbered(MESSAGES_KEPT))
    async with watching(room.running.url, Last_Event_ID=id_of(room.running.node, first)) as watch:
        backlog = await missed(watch)

    assert len(others) == 1_000
    assert others == [frame.data["id"] for frame in backlog]


async def test_one_more_than_a_thousand_is_a_new_beginning(room: Room) -> None:
    """Who missed more is told so, and then gets the history: there is never a silent gap."""
    ada = await speaker(room.running.node)
    (first,) = await ada.say("first")
    too_old = id_of(room.running.node, first)
    others = await ada.say(*numbered(MESSAGES_KEPT))
    async with watching(room.running.url, Last_Event_ID=too_old) as watch:
        reset, history, stats = await watch.frames(3)

    assert ["reset", "history", "stats"] == [reset.kind, history.kind, stats.kind]
    assert others[-100:] == [message["id"] for message in history.data]


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_an_id_of_another_log_is_a_new_beginning(room: Room, foreign: str) -> None:
    """An id that this log never gave is answered by a reset that says why, and the history."""
    await (await speaker(room.running.node)).say(*numbered(3))
    async with watching(room.running.url, Last_Event_ID=foreign) as watch:
        reset, history, stats = await watch.frames(3)

    assert ["reset", "history", "stats"] == [reset.kind, history.kind, stats.kind]
    assert isinstance(reset.data["reason"], str)
    assert (None, "", history.own_id) == (reset.own_id, reset.id, stats.id)


async def test_only_messages_have_ids(room: Room) -> None:
    """The place of a record that is no message was never an id of the stream."""
    await speaker(room.running.node)
    async with watching(room.running.url, Last_Event_ID=str(room.running.node.room.cursor)) as watch:
        assert ["reset", "history", "stats"] == [frame.kind for frame in await watch.frames(3)]


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_is_no_id(room: Room, nonsense: str) -> None:
    """What cannot be an id is as good as none: the watcher is a new one."""
    async with watching(room.running.url, Last_Event_ID=nonsense) as watch:
        assert ["history", "stats"] == [frame.kind for frame in await watch.frames(2)]


@asynccontextmanager
async def lagging(log: MemoryLog) -> AsyncIterator[tuple[str, Node]]:
    """A room open at an address, whose node has not begun to follow its log."""
    clock, secrets, hub = SettableClock(), SystemSecrets(), Hub()
    node = Node(log, clock, secrets, lambda records: publish(hub, node, records))
    async with moltbook(SETTINGS.moltbook_url, None) as book:
        site = Site(node, hub, clock, secrets, book, site_settings(SETTINGS, Patience()))
        async with site.open() as url:
            yield url, node


async def said_elsewhere(log: MemoryLog) -> tuple[str, str]:
    """The id of a message that another node has, and the one after it."""
    node = Node(log, SettableClock(), SystemSecrets(), lambda records: None)
    async with background(node.follow()):
        first, second = await (await speaker(node)).say(*numbered(2))
        return id_of(node, first), second


async def test_a_node_that_is_behind_waits_for_what_a_watcher_has_seen(room: Room) -> None:
    """An id that this node has not reached may come from a faster one: it is judged when the node has caught up."""
    log = MemoryLog()
    seen, unseen = await said_elsewhere(log)
    async with lagging(log) as (url, node):
        reader, writer = await connect(url)
        writer.write(request(Last_Event_ID=seen))
        async with watching(url) as other:
            await other.frames(2)
        async with background(node.follow()):
            backlog = await missed(await answer(reader, writer))
        writer.close()

    assert [unseen] == [frame.data["id"] for frame in backlog]


async def test_a_node_that_stays_behind_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that cannot catch up in time says that it does not know the id."""
    monkeypatch.setattr("chatr.node.CATCH_UP", 0.05)
    log = MemoryLog()
    seen, _ = await said_elsewhere(log)
    async with lagging(log) as (url, _), watching(url, Last_Event_ID=seen) as watch:
        assert ["reset", "history", "stats"] == [frame.kind for frame in await watch.frames(3)]


async def test_a_restart_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """Who comes back to a restarted room with its last id gets what it missed, also what was said in between."""
    settings = Settings(**(OPEN_SETTINGS | {"log": f"sqlite:///{tmp_path}/chatr.db"}))
    async with running(settings) as before, watching(before.url) as watch:
        ada = await speaker(before.node)
        said = await ada.say(*numbered(3))
        heard = [message["id"] for message in await watch.messages(2)]
    async with running(settings) as after:
        ada = Speaker(after.node, ada.agent, ada.at)
        said += await ada.say("later")
        async with watching(after.url, Last_Event_ID=watch.last_id) as watch:
            said += await ada.say("live")
            heard += [message["id"] for message in await watch.messages(3)]

    assert said == heard
