"""Removed frames, and streams that resume where messages are hidden."""

import asyncio
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import pytest
from attrs import define, field

from chatr.adapters.http.page.page_html import MAX_MESSAGES
from chatr.adapters.http.stream.backlog import BLOCK, CHANGES_AT_ONCE, Backlog
from chatr.adapters.http.stream.frames import is_frame
from chatr.adapters.http.stream.hub import COMMENT, Hub
from chatr.adapters.http.stream.lagging_watcher import CHANGES_IN_SLICE
from chatr.adapters.http.stream.live_messages import LiveMessages
from chatr.adapters.http.stream.removed_feed import RemovedFeed
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background, running_room
from chatr.cli.running_room import fetch_room
from chatr.cli.running_room_check import differences
from chatr.domain.events import Event
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.moderation_events import ErasedRecord, MessageRemoved, MessageRestored, RecordsErased
from chatr.ports import LogUnavailable
from chatr.settings import Settings
from chatr.testing.clock import START, SettableClock
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import folded_room, records_of
from tests.conftest import OPEN_SETTINGS, OpenRoom, Room
from tests.domain.examples import CRAB, CRAB_POSTED, CRAB_REGISTERED
from tests.moderation import OPERATOR, REASON, record_erasure, remove, restore
from tests.node_agents import NodeAgent, numbered_texts, register_agent
from tests.stream_client import Watch, watching
from tests.wire import joined

REMOVED: Final = "/api/stream?events=removed"


async def until_stats(watch: Watch) -> list[tuple[str, str]]:
    """The kinds and ids of what a stream is sent before the totals: of messages, or of what was removed."""
    shown = []
    while (frame := await watch.frame()).kind != "stats":
        shown.append((frame.kind, frame.data["id"] if isinstance(frame.data, dict) else str(len(frame.data))))
    return shown


async def resumed(room: Room, last_id: str, path: str = REMOVED) -> list[tuple[str, str]]:
    """What a stream that resumes is sent before the totals."""
    async with watching(room.running.url, path, last_id=last_id) as watch:
        return await until_stats(watch)


async def posted(room: Room, *texts: str) -> tuple[NodeAgent, list[str]]:
    ada = await register_agent(room.running.node)
    return ada, await ada.post(*texts)


@pytest.mark.parametrize("events", ["removed", "presence,removed", "x,,removed,REMOVED"])
async def test_watchers_that_asked_are_notified(room: Room, events: str) -> None:
    """A removal and a restoration are each one frame without an id."""
    ada, (message,) = await posted(room, "Hello")
    async with watching(room.running.url, f"/api/stream?events={events}") as watch:
        await watch.next("stats")
        await remove(room.running.node, ada.agent, message)
        removal = await watch.next("removed")
        await restore(room.running.node, ada.agent, message)
        restoration = await watch.next("removed")

    assert removal.data == {"id": message, "reason": REASON, "restored": False}
    assert restoration.data == {"id": message, "reason": "", "restored": True}
    assert (removal.own_id, restoration.own_id) == (None, None)


@pytest.mark.parametrize("query", ["", "?presence=1", "?events=presence", "?events=remove", "?removed=1"])
async def test_nobody_else_is_notified(room: Room, query: str) -> None:
    """A watcher that did not ask gets no removed frame."""
    ada, (message,) = await posted(room, "Hello")
    async with watching(room.running.url, REMOVED) as asked, watching(room.running.url, f"/api/stream{query}") as watch:
        await remove(room.running.node, ada.agent, message)
        await asked.next("removed")
        await ada.post("later")
        kinds = [frame.kind for frame in await watch.frames(3)]

    assert kinds == ["history", "stats", "message"]


@pytest.mark.long
@pytest.mark.parametrize("query", ["presence=1", "events=presence", "events=removed,presence"])
async def test_presence_has_two_parameters(room: Room, query: str) -> None:
    """`presence=1` is a synonym of `events=presence`."""
    ada = await room.register()
    async with watching(room.running.url, f"/api/stream?{query}") as watch:
        await room.post("/api/heartbeat", agent=ada)
        presence = await watch.next("presence")

    assert presence.data["agentName"] == "Ada"


async def test_an_erasure_is_a_removal_once(room: Room) -> None:
    """An erased message is a removed one; one that was removed before vanishes only once."""
    ada, (first, second) = await posted(room, "one", "two")
    async with watching(room.running.url, REMOVED) as watch:
        await remove(room.running.node, ada.agent, first)
        await record_erasure(room.running.node, ada.agent, first, second)
        frames = [await watch.next("removed") for _ in range(2)]

    assert [frame.data["id"] for frame in frames] == [first, second]


async def test_a_resumed_stream_repeats_what_was_removed_since(room: Room) -> None:
    """It repeats each removal and restoration since its id, and those before it not; a new stream needs none."""
    node = room.running.node
    ada, (first, second) = await posted(room, "one", "two")
    await remove(node, ada.agent, first)
    (third,) = await ada.post("three")
    cursor = ada.cursor_at(third)
    await remove(node, ada.agent, second)
    await restore(node, ada.agent, first)
    (fourth,) = await ada.post("four")

    assert await resumed(room, cursor) == [("removed", second), ("removed", first), ("message", fourth)]
    assert await resumed(room, cursor, "/api/stream") == [("message", fourth)]
    assert await resumed(room, "") == [("history", "3")]


async def test_a_restored_message_that_was_missed_comes_once(room: Room) -> None:
    """A message that was posted, removed and restored since the id of a client comes as a message once, after its
    removal: it may know the message from elsewhere.
    """
    ada, (first, second) = await posted(room, "one", "two")
    await remove(room.running.node, ada.agent, second)
    await restore(room.running.node, ada.agent, second)

    assert await resumed(room, ada.cursor_at(first)) == [("removed", second), ("message", second)]


@pytest.mark.parametrize("count", [3, pytest.param(MESSAGES_IN_MEMORY + BLOCK, marks=pytest.mark.long)])
async def test_the_id_of_a_hidden_message_resumes_exactly(room: Room, count: int) -> None:
    """A client whose last message was removed gets each later one once, wherever the hidden one is read from."""
    ada, (_, message) = await posted(room, "one", "two")
    cursor = ada.cursor_at(message)
    later = await ada.post(*numbered_texts(count))
    await remove(room.running.node, ada.agent, message)

    assert await resumed(room, cursor) == [("removed", message), *(("message", each) for each in later)]


@pytest.mark.parametrize("count", [1, pytest.param(MESSAGES_IN_MEMORY + BLOCK, marks=pytest.mark.long)])
async def test_the_id_of_another_log_resets_at_a_hidden_message(room: Room, count: int) -> None:
    """The fingerprint of a hidden message is compared as that of any other."""
    ada, (message, *_) = await posted(room, *numbered_texts(count))
    await remove(room.running.node, ada.agent, message)
    async with watching(room.running.url, last_id=f"{message}-00000000") as watch:
        first = await watch.frame()

    assert first.kind == "reset"


@pytest.mark.long
async def test_many_hidden_messages_are_not_read(open_room: OpenRoom) -> None:
    """A stream that resumes before a long run of hidden messages reads the blocks at its ends only."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    ada, messages = await posted(room, *numbered_texts(MESSAGES_IN_MEMORY + 20 * BLOCK))
    first, hidden, shown = messages[0], messages[1 : -2 * BLOCK], messages[-2 * BLOCK :]
    async with watching(room.running.url) as watch:
        await watch.next("stats")
        await hide_all(room, ada, hidden)
        await room.running.erasing.wait_until_clean()
        cursor = f"{first}-{(await log.pick([int(first)]))[0].id[:8]}"
        log.calls.clear()
        shown_frames = await resumed(room, cursor, "/api/stream")

    assert shown_frames == [("message", each) for each in shown]
    assert log.calls["pick"] == 1


async def hide_all(room: Room, author: NodeAgent, messages: list[str]) -> None:
    """Hide messages by as few records as possible."""
    for start in range(0, len(messages), 1_000):
        await record_erasure(room.running.node, author.agent, *messages[start : start + 1_000])


@pytest.mark.long
async def test_many_removals_are_repeated_in_slices(room: Room) -> None:
    """However many messages were removed since the id of a client, it gets each removal once, then live ones."""
    ada, messages = await posted(room, *numbered_texts(4 * CHANGES_IN_SLICE), "last")
    cursor = ada.cursor_at(messages[-1])
    await hide_all(room, ada, messages[:-2])
    async with watching(room.running.url, REMOVED, last_id=cursor) as watch:
        repeated = await until_stats(watch)
        await remove(room.running.node, ada.agent, messages[-2])
        live = await watch.next("removed")

    assert repeated == [("removed", each) for each in messages[:-2]]
    assert live.data["id"] == messages[-2]


@pytest.mark.parametrize(("max_missed", "kind"), [(1, "reset"), (2, "removed")])
async def test_a_client_that_wants_to_begin_anew_does(room: Room, max_missed: int, kind: str) -> None:
    """`maxMissed` bounds the removals that are repeated as it bounds the messages; hidden messages do not count."""
    ada, messages = await posted(room, *numbered_texts(4))
    await hide_all(room, ada, messages[1:3])
    async with watching(
        room.running.url, f"{REMOVED}&maxMissed={max_missed}", last_id=ada.cursor_at(messages[0])
    ) as watch:
        first = await watch.frame()

    assert first.kind == kind


@define
class FanOut:
    """A fan-out that counts the frames of each call."""

    has_removal_watchers: bool = False
    published: list[int] = field(factory=list)

    def publish_removed(self, frames: Iterable[bytes]) -> None:
        self.published.append(len(list(frames)))

    def withdraw(self, is_withdrawn: Callable[[bytes], bool]) -> None:
        """Do nothing: no frame waits."""


@pytest.mark.long
async def test_a_record_is_published_as_a_whole() -> None:
    """What a record that erases a thousand messages has hidden is published at once, each message once."""
    node, fan_out = node_on(MemoryLog()), FanOut()
    node.follower.add_listener(RemovedFeed(node, fan_out))
    async with background(node.follower.run()):
        ada = await register_agent(node)
        messages = await ada.post(*numbered_texts(1_000))
        await record_erasure(node, ada.agent, messages[0])
        fan_out.has_removal_watchers = True
        await record_erasure(node, ada.agent, *messages)

    assert fan_out.published == [999]


@pytest.mark.long
async def test_a_watcher_that_joins_meanwhile_is_notified_once(room: Room) -> None:
    """A watcher that joins while removals are being published gets those before by its resume, and the rest live."""
    node = room.running.node
    ada, messages = await posted(room, *numbered_texts(1_000), "last")
    async with watching(room.running.url, REMOVED) as first:
        await first.next("stats")
        erasing = asyncio.create_task(record_erasure(node, ada.agent, *messages[:-1]))
        async with watching(room.running.url, REMOVED, last_id=ada.cursor_at(messages[-1])) as second:
            told = [(await second.next("removed")).data["id"] for _ in messages[:-1]]
            await erasing
            (later,) = await ada.post("later")
            after = await second.next("message")

    assert sorted(told, key=int) == messages[:-1]
    assert after.data["id"] == later


async def test_a_removal_comes_before_newer_messages(room: Room) -> None:
    """A client that has a message has all removals before its id: a resume from there does not repeat them."""
    node = room.running.node
    ada, (message,) = await posted(room, "Hello")
    bob = await register_agent(node, "Bob")
    async with watching(room.running.url, REMOVED) as watch:
        await watch.next("stats")
        # The node folds both at once.
        await asyncio.gather(remove(node, ada.agent, message), bob.post("newer"))
        received = [(await watch.frame()).kind for _ in range(2)]

    assert received == ["removed", "message"]


async def test_a_message_that_is_removed_at_once_is_not_sent() -> None:
    """A node that folds a message and its removal in one batch sends no frame of the message."""
    events: list[Event] = [CRAB_REGISTERED, CRAB_POSTED, MessageRemoved(CRAB, 2, REASON, OPERATOR, START), CRAB_POSTED]
    hub, records = Hub(), records_of(events)
    wire, _ = joined(hub)
    LiveMessages(hub).records_folded(folded_room(records), records)
    hub.flush()

    (_, sent) = wire.pieces

    assert (sent.count(b"data: "), sent.count(b'"id":"4"')) == (1, 1)


REMOVAL: Final = MessageRemoved(CRAB, 2, REASON, OPERATOR, START)
ERASURE: Final = RecordsErased(CRAB, (ErasedRecord(2, "0" * 64),), REASON, OPERATOR, START)


@pytest.mark.parametrize(
    ("later", "sent"),
    [
        ([], ["2", "3"]),
        ([REMOVAL], ["3"]),
        ([ERASURE], ["3"]),
        ([REMOVAL, MessageRestored(CRAB, 2, OPERATOR, START)], ["3"]),
    ],
)
async def test_a_message_that_is_removed_while_it_waits_is_not_sent(later: list[Event], sent: list[str]) -> None:
    """Its frame is withdrawn from all watchers as soon as the removal is folded; other frames stay."""
    node, hub = node_on(MemoryLog()), Hub()
    wire, _ = joined(hub)
    listeners = (LiveMessages(hub), RemovedFeed(node, hub))
    hub.publish([COMMENT])
    for record in records_of([CRAB_REGISTERED, CRAB_POSTED, CRAB_POSTED, *later]):
        node.room.apply(record)
        for listener in listeners:
            listener.records_folded(node.room, [record])
    hub.flush()

    (_, frames) = wire.pieces

    assert frames.startswith(COMMENT)
    assert re.findall(rb"^id: (\d+)-", frames, re.MULTILINE) == [each.encode() for each in sent]


async def cached(backlog: Backlog) -> list[bool]:
    """Which entries of the first block are frames."""
    entries = backlog.frames_from(0)
    assert entries is not None
    return [is_frame(each) for each in entries]


@pytest.mark.parametrize("together", [2, pytest.param(CHANGES_AT_ONCE, marks=pytest.mark.long)])
async def test_a_removal_reaches_cached_frames(together: int) -> None:
    """Frames that were cached before are left out or made again, after any number of changes at once."""
    node = node_on(MemoryLog())
    async with background(node.follower.run()):
        ada = await register_agent(node)
        messages = await ada.post(*numbered_texts(together + 1))
        backlog = Backlog(node)
        before = await cached(backlog)
        await record_erasure(node, ada.agent, *messages[2:])
        await remove(node, ada.agent, messages[0])
        hidden = await cached(backlog)
        await restore(node, ada.agent, messages[0])
        restored = await cached(backlog)

    others = [False] * (len(before) - 2)
    assert before == [True] * len(before)
    assert (hidden, restored) == ([False, True, *others], [True, True, *others])


@pytest.mark.long
async def test_the_history_reaches_behind_hidden_messages(open_room: OpenRoom) -> None:
    """A new watcher and the page get the newest messages that are shown, also if all in memory were removed."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    ada, messages = await posted(room, *numbered_texts(MESSAGES_IN_MEMORY + 120))
    await hide_all(room, ada, messages[110:])
    log.fail("pick", LogUnavailable("the store is away"))
    without_log = await resumed(room, "")
    log.heal()
    async with watching(room.running.url) as watch:
        history = await watch.frame()
    # Reading fails and is not counted, because the search index and the erasing read the log, too.
    log.fail("pick", LogUnavailable("the store is away again"))
    again = await resumed(room, "")
    log.heal()
    page = (await room.get("/")).raw.decode()

    assert without_log == [("history", "0")]
    assert [each["id"] for each in history.data] == messages[10:110]
    assert history.id == f"{messages[109]}-{history.id.partition('-')[2]}"
    assert again == [("history", "100")]
    assert page.count('<li id="m-') == MAX_MESSAGES


@pytest.mark.long
@pytest.mark.parametrize("removed", [1, MESSAGES_IN_MEMORY])
async def test_an_audit_agrees_with_a_server_that_hides_messages(open_room: OpenRoom, removed: int) -> None:
    """`chatr audit URL` compares what is shown, however many messages were removed."""
    room = await open_room()
    ada, messages = await posted(room, *numbered_texts(removed + 120))
    await hide_all(room, ada, messages[120:])
    shown = await fetch_room(room.running.url, 1)

    assert list(differences(shown, room.running.node.room)) == []


@pytest.mark.parametrize("last_id", ["", "first"])
async def test_a_restarted_server_repeats_nothing(tmp_path: Path, open_room: OpenRoom, last_id: str) -> None:
    """What was removed before the server started is not published to the first watchers that come."""
    log, clock = f"sqlite:///{tmp_path}/chatr.db", SettableClock()
    async with running_room(Settings(**OPEN_SETTINGS | {"log": log}), clock=clock) as running:
        ada = await register_agent(running.node)
        removed, first = await ada.post("gone", "first")
        await remove(running.node, ada.agent, removed)
        (second,) = await ada.post("second")
        cursor = ada.cursor_at(second)
    room = await open_room(log=log, clock=clock)
    async with watching(room.running.url, REMOVED, last_id=cursor if last_id else "") as watch:
        await watch.next("stats")
        await remove(room.running.node, ada.agent, first)
        after = await watch.frame()

    assert (after.kind, after.data["id"]) == ("removed", first)
