"""GET /health and GET /ready: whether the process runs, and whether it can append and is caught up."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chatr import __version__
from chatr.domain.limits import SECOND
from tests.conftest import OpenRoom, Room
from tests.stream_client import TIMEOUT


@pytest.fixture
async def room(open_room: OpenRoom, tmp_path: Path) -> Room:
    return await open_room(log=f"sqlite:///{tmp_path}/chatr.db")


@contextmanager
def unavailable_store(folder: Path) -> Iterator[None]:
    """Rename the table of the log for a while, so that no record can be read or written."""
    with closing(sqlite3.connect(folder / "chatr.db", isolation_level=None)) as db:
        db.execute("alter table log rename to hidden")
        yield
        db.execute("alter table hidden rename to log")


async def statuses(room: Room) -> tuple[int, int]:
    """Return the status of /health and that of /ready."""
    return (await room.get("/health")).status, (await room.get("/ready")).status


async def test_a_working_node_is_live_and_ready(room: Room) -> None:
    """A node that can append and has read the whole log is live and ready."""
    live, ready = await room.get("/health"), await room.get("/ready")

    assert (live.status, live.json["status"]) == (200, "ok")
    assert (ready.status, ready.json["success"]) == (200, True)


async def test_health_tells_the_version_and_nothing_else(room: Room) -> None:
    """The response has the version of chatr and neither other versions nor figures, because it needs no key."""
    answer = await room.get("/health")

    assert answer.json == {"success": True, "status": "ok", "version": __version__}
    assert answer.headers["Server"] == "chatr"


async def test_a_node_without_its_store_is_not_ready(room: Room, tmp_path: Path) -> None:
    """While the store is unavailable, the node is live and not ready, and /ready has a Retry-After."""
    with unavailable_store(tmp_path):
        answer = await room.get("/ready")
        live = await room.get("/health")

    assert live.status == 200
    assert (answer.status, answer.json["success"], answer.json["code"]) == (503, False, "not_ready")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_node_is_ready_again_when_its_store_is_back(room: Room, tmp_path: Path) -> None:
    """When the store is available again, the node is ready without a restart."""
    with unavailable_store(tmp_path):
        assert await statuses(room) == (200, 503)

    assert await statuses(room) == (200, 200)


async def test_a_node_is_not_ready_after_a_failed_append(room: Room, tmp_path: Path) -> None:
    """For ten seconds after a failed append the node is not ready, although the store can be read."""
    ada = await room.register()
    with unavailable_store(tmp_path):
        rejected = await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
    just_after = await statuses(room)
    room.clock.advance(10 * SECOND)

    assert (rejected.status, rejected.json["code"]) == (503, "storage_unavailable")
    assert (just_after, await statuses(room)) == ((200, 503), (200, 200))
    assert (await room.post("/api/messages", {"content": "Hello!"}, agent=ada)).status == 200


async def test_a_store_that_hangs(room: Room, tmp_path: Path) -> None:
    """The node is not ready while an append has been pending for more than a second."""
    ada = await room.register()
    with closing(sqlite3.connect(tmp_path / "chatr.db", isolation_level=None)) as db:
        db.execute("begin immediate")
        posting = asyncio.create_task(room.post("/api/messages", {"content": "Hello!"}, agent=ada))
        async with asyncio.timeout(TIMEOUT):
            while await statuses(room) == (200, 200):
                room.clock.advance(SECOND)

    assert (await posting).status == 200
    assert await statuses(room) == (200, 200)


async def test_a_node_whose_log_was_altered_is_ready(room: Room) -> None:
    """The node is ready, because the others read the same log: a field names the altered record."""
    before = await room.get("/ready")
    room.running.node.integrity.report(1)
    answer = await room.get("/ready")

    assert before.json == {"success": True, "status": "ready"}
    assert (answer.status, answer.json) == (200, {"success": True, "status": "ready", "altered": 1})
