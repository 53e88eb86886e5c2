"""GET /health and GET /ready: whether the process lives, and whether it can do its work."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chatr.domain.limits import SECOND
from tests.conftest import OpenRoom, Room
from tests.watching import PATIENCE


@pytest.fixture
async def room(open_room: OpenRoom, tmp_path: Path) -> Room:
    return await open_room(log=f"sqlite:///{tmp_path}/chatr.db")


@contextmanager
def store_away(folder: Path) -> Iterator[None]:
    """Somebody takes the table away for a while: no record can be read or written."""
    with closing(sqlite3.connect(folder / "chatr.db", isolation_level=None)) as db:
        db.execute("alter table log rename to away")
        yield
        db.execute("alter table away rename to log")


async def statuses(room: Room) -> tuple[int, int]:
    return (await room.get("/health")).status, (await room.get("/ready")).status


async def test_a_room_in_order(room: Room) -> None:
    """A node that lives, can append and has read all there is says so."""
    live, ready = await room.get("/health"), await room.get("/ready")

    assert (live.status, live.json["status"]) == (200, "ok")
    assert (ready.status, ready.json["success"]) == (200, True)


async def test_health_tells_nothing_else(room: Room) -> None:
    """Neither versions nor figures: anybody may ask."""
    assert (await room.get("/health")).json == {"success": True, "status": "ok"}


async def test_a_store_that_is_away(room: Room, tmp_path: Path) -> None:
    """The process lives, but whoever routes requests should prefer another node for a while."""
    with store_away(tmp_path):
        answer = await room.get("/ready")
        live = await room.get("/health")

    assert live.status == 200
    assert (answer.status, answer.json["success"], answer.json["code"]) == (503, False, "not_ready")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_store_that_is_back(room: Room, tmp_path: Path) -> None:
    """Nothing needs to be restarted."""
    with store_away(tmp_path):
        assert await statuses(room) == (200, 503)

    assert await statuses(room) == (200, 200)


async def test_a_write_that_failed_is_remembered_for_a_while(room: Room, tmp_path: Path) -> None:
    """A store that just refused a record can be read again first: ten seconds later it is believed in again."""
    ada = await room.register()
    with store_away(tmp_path):
        refused = await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
    just_after = await statuses(room)
    room.clock.advance(10 * SECOND)

    assert (refused.status, refused.json["code"]) == (503, "storage_unavailable")
    assert (just_after, await statuses(room)) == ((200, 503), (200, 200))
    assert (await room.post("/api/messages", {"content": "Hello!"}, agent=ada)).status == 200


async def test_a_store_that_hangs(room: Room, tmp_path: Path) -> None:
    """While a record has been waiting for the disk for more than a second, posts should go elsewhere."""
    ada = await room.register()
    with closing(sqlite3.connect(tmp_path / "chatr.db", isolation_level=None)) as db:
        db.execute("begin immediate")
        saying = asyncio.create_task(room.post("/api/messages", {"content": "Hello!"}, agent=ada))
        async with asyncio.timeout(PATIENCE):
            while await statuses(room) == (200, 200):
                room.clock.advance(SECOND)

    assert (await saying).status == 200
    assert await statuses(room) == (200, 200)
