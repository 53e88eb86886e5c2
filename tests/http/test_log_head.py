"""GET /api/log/head and the stats frames: the position and the chain hash of the last record."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from chatr.node.timeouts import NodeTimeouts
from tests.altered_logs import in_file
from tests.conftest import OpenRoom, Room
from tests.postgres import Postgres
from tests.stream_client import TIMEOUT, watching

IMPATIENT: Final = NodeTimeouts(scrub_pause=0.01)
"""Time-outs of a node whose scrubber reads the log again and again."""


async def test_the_head_of_the_log(room: Room) -> None:
    """The response has the position, the digest, the id of the log and what was verified of it; it needs no key."""
    await room.register()
    known = room.running.node.room

    answer = await room.get("/api/log/head")

    assert answer.json == {
        "success": True,
        "position": 2,
        "digest": known.chain_hash.hex(),
        "logId": known.log_id,
        "verifiedTo": 2,
    }


async def test_the_head_of_a_log_that_was_altered(open_room: OpenRoom, tmp_path: Path) -> None:
    """While the server runs, a record is altered in its file: the response is 503 with its position and what to do."""
    room = await open_room(log=f"sqlite:///{tmp_path}/chatr.db", node_timeouts=IMPATIENT)
    await room.register()
    in_file(tmp_path / "chatr.db")("update log set at = at + 1 where position = 2")
    async with asyncio.timeout(TIMEOUT):
        while (answer := await room.get("/api/log/head")).status == 200:
            pass

    assert (answer.status, answer.json["code"], answer.json["position"]) == (503, "log_altered", 2)
    assert "chatr audit" in answer.json["error"]
    assert answer.headers["Retry-After"] == "60"


@pytest.mark.long
async def test_every_node_notices_that_a_record_was_altered(open_room: OpenRoom, postgres: Postgres) -> None:
    """Nodes that share a log in PostgreSQL each find the altered record, and go on: posts are stored and read."""
    log = postgres.log()
    first, second = [await open_room(log=log, node_timeouts=IMPATIENT) for _ in range(2)]
    ada = await first.register()
    postgres.execute("update log set data = replace(data, 'Ada', 'Eve') where position = 2", log)
    for room in (first, second):
        async with asyncio.timeout(TIMEOUT):
            while (await room.get("/ready")).json.get("altered") != 2:
                pass
    posted = await first.post("/api/messages", {"content": "Hello!"}, agent=ada)
    read = await second.get(f"/api/messages?after={int(posted.json['message']['id']) - 1}&wait=5")

    assert [message["content"] for message in read.json["messages"]] == ["Hello!"]


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
