"""The web server keeps no copy of a text in memory after it was erased."""

import asyncio
import gc
from uuid import uuid4

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.testing.faulty_log import FaultyLog, Proceed
from tests.conftest import OpenRoom, Room
from tests.moderation import record_erasure
from tests.node_agents import LONG_TEXT, numbered_texts, register_agent
from tests.stream_client import watching


def copies(mirrored: str) -> list[object]:
    """Every text in this process that contains the reverse of `mirrored`, which thus is no copy itself."""
    gc.collect()
    text = mirrored[::-1]
    found: dict[int, object] = {}
    for tracked in gc.get_objects():
        for each in gc.get_referents(tracked):
            if isinstance(each, str | bytes) and each is not text and contains(each, text):
                found[id(each)] = each
    return list(found.values())


def contains(data: str | bytes, text: str) -> bool:
    return text in data if isinstance(data, str) else text.encode() in data


async def read_everything(room: Room, message: int, first_cursor: str) -> None:
    """Ask for the message at every endpoint that shows it, so that everything that is cached of it is in memory."""
    for path in (f"/api/messages?before={message + 1}", f"/api/at?position={message}", "/", f"/api/messages/{message}"):
        await room.get(path)
    for last_id in ("", first_cursor):
        async with watching(room.running.url, last_id=last_id) as watch:
            await watch.next("stats")


@pytest.mark.long
@pytest.mark.parametrize("later", [3, 80, MESSAGES_IN_MEMORY + 10])
async def test_no_copy_stays_in_memory(open_room: OpenRoom, later: int) -> None:
    """Whatever was cached of a message, in memory or read from the log, is forgotten when the erasure is folded."""
    mirrored = uuid4().hex
    log = MemoryLog()
    room = await open_room(event_log=log)
    ada = await register_agent(room.running.node)
    first, message = await ada.post("first", mirrored[::-1])
    cursor = ada.cursor_at(first)
    await ada.post(*numbered_texts(later, LONG_TEXT))
    await read_everything(room, int(message), cursor)
    before = len(copies(mirrored))
    await log.erase([int(message)])
    await record_erasure(room.running.node, ada.agent, message)
    # A connection that is kept alive holds its last response until the next one.
    await room.get("/health")

    assert before > 3
    assert copies(mirrored) == []


@pytest.mark.long
async def test_no_copy_stays_of_what_was_read_behind_removed_messages(open_room: OpenRoom) -> None:
    """The messages that the history needed from the log are forgotten, too."""
    mirrored, log = uuid4().hex, MemoryLog()
    room = await open_room(event_log=log)
    node = room.running.node
    ada = await register_agent(node)
    (message,) = await ada.post(mirrored[::-1])
    later = await ada.post(*numbered_texts(MESSAGES_IN_MEMORY))
    for some in (later[:1_000], later[1_000:]):
        await record_erasure(node, ada.agent, *some)
    await node.newest.load(1)
    before = len(node.newest.at_hand(1))
    # Until the search index is complete, it holds what it reads.
    while (await room.get("/api/messages?q=complete")).status != 200:
        pass
    await log.erase([int(message)])
    await record_erasure(node, ada.agent, message)

    assert before == 1
    assert copies(mirrored) == []


@pytest.mark.long
async def test_no_copy_stays_of_what_was_being_read(open_room: OpenRoom) -> None:
    """A message that was read from the log while it was erased is not in memory afterwards."""
    mirrored, log = uuid4().hex, FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    node = room.running.node
    ada = await register_agent(node)
    (message,) = await ada.post(mirrored[::-1])
    later = await ada.post(*numbered_texts(MESSAGES_IN_MEMORY))
    for some in (later[:1_000], later[1_000:]):
        await record_erasure(node, ada.agent, *some)
    read, erased = asyncio.Event(), asyncio.Event()

    async def read_slowly(proceed: Proceed, *_: object) -> object:
        result = await proceed()
        read.set()
        await erased.wait()
        return result

    log.replace("pick", read_slowly, times=1)
    loading = asyncio.create_task(node.newest.load(1))
    await read.wait()
    await log.log.erase([int(message)])
    await record_erasure(node, ada.agent, message)
    erased.set()
    await loading
    del loading

    assert copies(mirrored) == []
