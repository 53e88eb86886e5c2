"""GET /api/log/head and the stats frames: the end of the log, and the digest over all of it."""

from tests.conftest import Room
from tests.watching import watching


async def test_the_head_of_the_log(room: Room) -> None:
    """Anybody may ask how far the log goes, what its digest is, and which log it is."""
    await room.register()
    known = room.running.node.room

    answer = await room.get("/api/log/head")

    assert answer.json == {"success": True, "position": 2, "digest": known.head.hex(), "logId": known.log_id}


async def test_the_head_moves_with_every_record(room: Room) -> None:
    """Two heads are never the same."""
    first = (await room.get("/api/log/head")).json
    await room.register()
    second = (await room.get("/api/log/head")).json

    assert (first["position"], second["position"]) == (1, 2)
    assert first["digest"] != second["digest"]


async def test_watchers_are_told_the_head(room: Room) -> None:
    """Whoever watches may keep heads: the totals come with position and digest."""
    head = (await room.get("/api/log/head")).json
    async with watching(room.running.url) as watch:
        stats = await watch.next("stats")

    assert (stats.data["position"], stats.data["digest"]) == (head["position"], head["digest"])


async def test_totals_alone_have_no_head(room: Room) -> None:
    """GET /api/agents tells the totals and nothing of the log."""
    stats = (await room.get("/api/agents")).json["stats"]

    assert set(stats) == {"totalAgents", "onlineAgents", "totalMessages"}
