"""After an erasure no part of the server's memory holds the text, whatever it was shown in before."""

import gc
from pathlib import Path
from random import Random
from string import ascii_letters
from typing import Final
from weakref import ref

import pytest

from chatr.adapters.stores.urls import open_reader
from chatr.domain.limits import SECOND, Limit
from tests.conftest import Agent, OpenRoom, Room
from tests.erasures import containers_with, only_new_objects, record_erasure
from tests.postgres import Postgres

# Backwards, so that this module itself does not hold what is searched for.
BACKWARDS: Final = "".join(Random(11).choices(ascii_letters, k=120))
PATHS: Final = ("/api/messages", "/api/messages?after=0", "/api/at?position={}", "/api/at?position={}&limit=5", "/")
"""What shows the text, or may hold it."""
PAGES: Final = ("/messages/{}", "/archive/2026-01-01", "/feed.xml", "/feed.json", "/api/messages?from=Ada")
"""More that shows it."""


async def show(room: Room, position: int) -> None:
    """Ask the room for everything that shows the text, and for the stream."""
    for path in PATHS:
        assert (await room.get(path.format(position))).status == 200
    async with room.http.get("/api/stream", headers={"Last-Event-ID": ""}) as stream:
        await stream.content.readuntil(b"\n\n")


async def post_text(room: Room, agent: Agent) -> int:
    """Post the text, and return its position."""
    return int((await room.post_message(agent, BACKWARDS[::-1]))["id"])


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_no_cache_holds_an_erased_text(
    open_room: OpenRoom, request: pytest.FixtureRequest, tmp_path: object, store: str
) -> None:
    """Lists, the past, the page, and the stream were cached before: all of them are clean, on each node."""
    server: Postgres | None = request.getfixturevalue("postgres") if store == "postgres" else None
    log = f"sqlite:///{tmp_path}/chatr.db" if server is None else server.log()
    wide = Limit(1_000, SECOND)
    with only_new_objects():
        rooms = [
            await open_room(log=log, admin_socket="off", rate_verified=wide, rate_unverified=wide)
            for _ in range(1 if server is None else 2)
        ]
        agent = await rooms[0].register()
        position = await post_text(rooms[0], agent)
        for room in rooms:
            await room.running.node.follower.wait_until_folded(position)
            await show(room, position)
        before = containers_with(BACKWARDS)
        async with open_reader(log) as reader:
            erased_at = await record_erasure(rooms[0].running.node, reader, position)
        for room in rooms:
            await room.running.node.follower.wait_until_folded(erased_at)
            await room.running.erasing.wait_until_clean()
        after = containers_with(BACKWARDS)

    assert before
    assert after == []


@pytest.mark.long
async def test_a_room_that_is_only_read_forgets_what_is_erased(open_room: OpenRoom, tmp_path: Path) -> None:
    """The node that writes to the log erases the text there; this one removes it from its memory and its index."""
    log = f"sqlite:///{tmp_path}/chatr.db"
    with only_new_objects():
        written = await open_room(log=log, admin_socket="off")
        watched = await open_room(log=log, read_only=True, clock=written.clock)
        position = await post_text(written, await written.register())
        await watched.running.node.follower.wait_until_folded(position)
        await show(watched, position)
        for path in PAGES:
            await watched.get(path.format(position))
        before = (containers_with(BACKWARDS), await is_indexed(watched, position))
        async with open_reader(log) as reader:
            erased_at = await record_erasure(written.running.node, reader, position)
        await watched.running.node.follower.wait_until_folded(erased_at)
        for room in (written, watched):
            await room.running.erasing.wait_until_clean()
            # A connection that is kept alive holds its last request and response until the next ones.
            await room.get("/health")
        after = (containers_with(BACKWARDS), await is_indexed(watched, position))

    assert (bool(before[0]), before[1]) == (True, True)
    assert after == ([], False)


async def is_indexed(room: Room, position: int) -> bool:
    """Return whether the words of a message are in the search index of a room."""
    search = room.running.node.search
    assert search is not None
    await search.find("anything", (None, None), 1)
    return bool(await search._index.indexed_among([position]))  # noqa: SLF001 -- no result shows a removed message


@pytest.mark.long
async def test_the_room_of_a_log_that_was_replaced_is_forgotten(room: Room) -> None:
    """Its texts could not be erased later: no cache and no task refers to it."""
    follower = room.running.node.follower
    await show(room, await post_text(room, await room.register()))
    replaced = ref(follower.room)
    await follower._reread()  # noqa: SLF001 -- as after LogChanged
    gc.collect()

    assert replaced() is None
