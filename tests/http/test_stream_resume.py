"""Resuming: a watcher that sends the id of its last message gets the later ones, each once and in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.listener import listening
from chatr.adapters.http.server import HttpServer
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.live_messages import LiveMessages
from chatr.adapters.moltbook import open_moltbook
from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.system import SystemSecrets
from chatr.app import background, running_room
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.node.node import Node
from chatr.node.timeouts import DEFAULT_NODE_TIMEOUTS, NodeTimeouts
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from chatr.testing.nodes import node_on
from chatr.web_settings import http_settings
from tests.conftest import OPEN_SETTINGS, Room
from tests.node_agents import NodeAgent, numbered_texts, register_agent
from tests.sse import Frame
from tests.stream_client import Watch, connected, read_response, request, watching

SETTINGS = Settings(**OPEN_SETTINGS)
MALFORMED_IDS = [
    *("0", "42", "x", "-", "1-", "-abcdef01", "1-ABCDEF01", "1-abcdef012", "1 -abcdef01", "1_0-abcdef01", "é" * 9),
    *("9" * 19 + "-abcdef01", "x" * 4000),
]
IDS_OF_OTHER_LOGS = ["1-00000000", "0-00000000", "3-00000000", "9-00000000", "999999999999999999-abcdef01"]
RESET_AND_HISTORY = ["reset", "history", "stats"]


async def backlog(watch: Watch) -> list[Frame]:
    """Return the frames before the totals, which end what a watcher is sent before live frames."""
    frames = []
    while (frame := await watch.frame()).kind != "stats":
        frames.append(frame)
    return frames


async def missed(watch: Watch) -> list[str]:
    """Return the ids of the messages in the backlog."""
    return [frame.data["id"] for frame in await backlog(watch)]


async def kinds(watch: Watch, count: int) -> list[str]:
    """Return the kinds of the next frames."""
    return [frame.kind for frame in await watch.frames(count)]


async def test_missed_messages_are_sent_first(room: Room) -> None:
    """Each comes in a frame of its own, once and in order, and live messages follow."""
    ada = await register_agent(room.running.node)
    first, *others = await ada.post(*numbered_texts(4))
    async with watching(room.running.url, last_id=ada.cursor_at(first)) as watch:
        frames = await backlog(watch)
        others += await ada.post("live")
        frames.append(await watch.frame())

    assert [(frame.kind, frame.data["id"]) for frame in frames] == [("message", message) for message in others]
    assert [frame.own_id for frame in frames] == [ada.cursor_at(message) for message in others]


async def test_the_id_of_a_history_resumes_after_it(room: Room) -> None:
    """A watcher that got only the history is sent the messages after it, and none of the history."""
    ada = await register_agent(room.running.node)
    await ada.post(*numbered_texts(3))
    async with watching(room.running.url) as watch:
        await watch.frame()
    later = await ada.post("later")
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        assert await missed(watch) == later


async def test_a_watcher_that_missed_nothing_is_sent_no_message_again(room: Room) -> None:
    """It is sent the totals, and then live messages."""
    ada = await register_agent(room.running.node)
    (posted,) = await ada.post("Hello!")
    async with watching(room.running.url, last_id=ada.cursor_at(posted)) as watch:
        again = await missed(watch)
        live = await ada.post("live")

        assert (again, await watch.messages(1)) == ([], live)


async def test_the_id_may_be_in_the_query(room: Room) -> None:
    """Clients that cannot set headers send it as ?lastEventId=."""
    ada = await register_agent(room.running.node)
    first, *others = await ada.post(*numbered_texts(3))
    async with watching(room.running.url, f"/api/stream?lastEventId={ada.cursor_at(first)}") as watch:
        assert await missed(watch) == others


async def test_the_header_takes_precedence_over_the_query(room: Room) -> None:
    """A page's address may contain an old id; the header that the browser sends on reconnecting is newer."""
    ada = await register_agent(room.running.node)
    old, new, last = await ada.post(*numbered_texts(3))
    path = f"/api/stream?lastEventId={ada.cursor_at(old)}"
    async with watching(room.running.url, path, last_id=ada.cursor_at(new)) as watch:
        assert await missed(watch) == [last]


async def test_a_thousand_missed_messages_are_all_sent(room: Room) -> None:
    """A watcher may miss 1,000 messages and is still sent each of them."""
    ada = await register_agent(room.running.node)
    first, *others = await ada.post(*numbered_texts(1_001))
    async with watching(room.running.url, last_id=ada.cursor_at(first)) as watch:
        assert await missed(watch) == others


async def test_missed_messages_that_are_not_in_memory_are_read_from_the_log(room: Room) -> None:
    """A watcher may have missed any number of messages: each is sent once and in order, and live ones follow."""
    ada = await register_agent(room.running.node)
    (first,) = await ada.post("first")
    cursor = ada.cursor_at(first)
    others = await ada.post(*numbered_texts(MESSAGES_IN_MEMORY + 60))
    async with watching(room.running.url, last_id=cursor) as watch:
        received = await missed(watch)
        live = await ada.post("live")
        received += await watch.messages(1)

    assert received == others + live


async def test_an_id_that_is_not_in_memory_is_compared_with_the_log(room: Room) -> None:
    """An id of another log resets the stream, however old its position is."""
    ada = await register_agent(room.running.node)
    (first,) = await ada.post("first")
    await ada.post(*numbered_texts(MESSAGES_IN_MEMORY))
    async with watching(room.running.url, last_id=f"{first}-00000000") as watch:
        assert await kinds(watch, 3) == RESET_AND_HISTORY


@pytest.mark.parametrize(
    ("allowed", "first_kind"),
    [("0", "reset"), ("2", "reset"), ("3", "message"), ("9" * 18, "message"), ("-1", "message"), ("x", "message")],
)
async def test_a_client_may_limit_what_it_has_missed(room: Room, allowed: str, first_kind: str) -> None:
    """With `?maxMissed=` the stream is reset if more messages were missed. Nonsense is ignored."""
    ada = await register_agent(room.running.node)
    first, *_ = await ada.post(*numbered_texts(4))
    async with watching(room.running.url, f"/api/stream?maxMissed={allowed}", last_id=ada.cursor_at(first)) as watch:
        assert await kinds(watch, 1) == [first_kind]


@pytest.mark.parametrize("other_id", IDS_OF_OTHER_LOGS)
async def test_an_id_of_another_log_resets_the_stream(room: Room, other_id: str) -> None:
    """A reset frame says why, and the history follows."""
    await (await register_agent(room.running.node)).post(*numbered_texts(3))
    async with watching(room.running.url, last_id=other_id) as watch:
        reset, history, stats = await watch.frames(3)

    assert [reset.kind, history.kind, stats.kind] == RESET_AND_HISTORY
    assert isinstance(reset.data["reason"], str)
    assert (reset.own_id, stats.id) == (None, history.own_id)


async def test_only_messages_have_ids(room: Room) -> None:
    """The position of a record that is no message was never an id of the stream."""
    await register_agent(room.running.node)
    async with watching(room.running.url, last_id=str(room.running.node.room.cursor)) as watch:
        assert await kinds(watch, 3) == RESET_AND_HISTORY


@pytest.mark.parametrize("malformed_id", MALFORMED_IDS)
async def test_a_malformed_id_is_ignored(room: Room, malformed_id: str) -> None:
    """The stream begins as for a new watcher."""
    async with watching(room.running.url, last_id=malformed_id) as watch:
        assert await kinds(watch, 2) == ["history", "stats"]


@asynccontextmanager
async def lagging_server(
    log: MemoryLog, timeouts: NodeTimeouts = DEFAULT_NODE_TIMEOUTS
) -> AsyncIterator[tuple[str, Node]]:
    """Open a server whose node has not begun to follow its log; yield its URL and its node."""
    clock, secrets, hub = SettableClock(), SystemSecrets(), Hub()
    node = node_on(log, None, LiveMessages(hub), timeouts=timeouts)
    async with open_moltbook(SETTINGS.moltbook_url, None) as book:
        settings = http_settings(SETTINGS, HttpTimeouts())
        server = HttpServer(log, node, hub, clock, secrets, book, settings)
        async with listening(settings, clock) as listener, server.open(listener) as url:
            yield url, node


async def post_at_another_node(log: MemoryLog) -> tuple[str, str]:
    """Post two messages at another node; return the stream id of the first and the message id of the second."""
    node = node_on(log)
    async with background(node.follower.run()):
        ada = await register_agent(node)
        first, second = await ada.post(*numbered_texts(2))
        return ada.cursor_at(first), second


async def test_a_node_that_is_behind_catches_up_to_the_id_of_a_watcher() -> None:
    """An id that this node has not reached may come from a faster one: the node catches up before it answers."""
    log = MemoryLog()
    seen, unseen = await post_at_another_node(log)
    async with lagging_server(log) as (url, node), connected(url) as (reader, writer):
        writer.write(request(Last_Event_ID=seen))
        async with watching(url) as other:
            await other.frames(2)
        async with background(node.follower.run()):
            watch = await read_response(reader, writer)

            assert await missed(watch) == [unseen]


async def test_a_node_that_cannot_catch_up_resets_the_stream() -> None:
    """After a time-out the id counts as unknown."""
    log = MemoryLog()
    seen, _ = await post_at_another_node(log)
    async with lagging_server(log, NodeTimeouts(catch_up=0.05)) as (url, _), watching(url, last_id=seen) as watch:
        assert await kinds(watch, 3) == RESET_AND_HISTORY


async def test_a_restart_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """A watcher that resumes at a restarted server gets what it missed, and what was posted before it returned."""
    settings = Settings(**(OPEN_SETTINGS | {"log": f"sqlite:///{tmp_path}/chatr.db"}))
    async with running_room(settings) as before, watching(before.url) as watch:
        ada = await register_agent(before.node)
        posted = await ada.post(*numbered_texts(3))
        received = await watch.messages(2)
    async with running_room(settings) as after:
        ada = NodeAgent(after.node, ada.agent, ada.at)
        posted += await ada.post("later")
        async with watching(after.url, last_id=watch.last_id) as watch:
            posted += await ada.post("live")
            received += await watch.messages(3)

    assert received == posted
