"""GET /api/log/head and the stats frames: the position and the chain hash of the last record."""

from tests.conftest import Room
from tests.stream_client import watching


async def test_the_head_of_the_log(room: Room) -> None:
    """The response has the position, the digest and the id of the log; it needs no key."""
    await room.register()
    known = room.running.node.room

    answer = await room.get("/api/log/head")

    assert answer.json == {"success": True, "position": 2, "digest": known.chain_hash.hex(), "logId": known.log_id}


async def test_every_record_changes_the_head(room: Room) -> None:
    """Every record changes the position and the digest."""
    first = (await room.get("/api/log/head")).json
    await room.register()
    second = (await room.get("/api/log/head")).json

    assert (first["position"], second["position"]) == (1, 2)
    assert first["digest"] != second["digest"]


async def test_stats_frames_include_the_head(room: Room) -> None:
    """A stats frame has the position and the digest beside the totals."""
    head = (await room.get("/api/log/head")).json
    async with watching(room.running.url) as watch:
        stats = await watch.next("stats")

    assert (stats.data["position"], stats.data["digest"]) == (head["position"], head["digest"])


async def test_the_totals_of_agents_have_no_head(room: Room) -> None:
    """The totals in GET /api/agents have neither position nor digest."""
    stats = (await room.get("/api/agents")).json["stats"]

    assert set(stats) == {"totalAgents", "onlineAgents", "totalMessages"}
