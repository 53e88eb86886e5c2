"""A room that is only read (`--read-only`): it shows everything, and records nothing."""

from typing import Any, Final

import pytest

from chatr.adapters.http.routes import ROUTES
from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.limits import HOUR
from tests.conftest import Agent, OpenRoom, Room
from tests.http.private_rooms import change_reading

WRITING: Final = [route for route in ROUTES if route.method == "POST"]
WRITING_TOOLS: Final[dict[str, dict[str, Any]]] = {
    "chatr_check_in": {},
    "chatr_post": {"content": "hello"},
    "chatr_verify": {"step": "start", "moltbookName": "ada"},
}


class Archive:
    """Two servers on one log: one that is written to, where Ada has posted, and one that is only read."""

    def __init__(self, log: MemoryLog, written: Room, ada: Agent, read_only: Room) -> None:
        self.log, self.written, self.ada, self.read_only = log, written, ada, read_only

    async def caught_up(self) -> Room:
        """Return the read-only room when it has folded the whole log."""
        await self.read_only.running.node.follower.wait_until_folded(await self.log.head())
        return self.read_only


@pytest.fixture
async def archive(open_room: OpenRoom) -> Archive:
    log = MemoryLog()
    written = await open_room(event_log=log)
    ada = await written.register()
    await written.post_message(ada, "Hello, archive!")
    return Archive(log, written, ada, await open_room(event_log=log, read_only=True, clock=written.clock))


async def call(room: Room, agent: Agent, tool: str, arguments: dict[str, Any]) -> Any:
    """Return the structured result of a call of an MCP tool."""
    result = await ask(room, "tools/call", {"name": tool, "arguments": arguments}, agent=agent)
    return result["structuredContent"]


async def ask(room: Room, method: str, params: dict[str, Any] | None = None, agent: Agent | None = None) -> Any:
    """Return the result of a request of an MCP client."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    accepts = {"Accept": "application/json, text/event-stream"}
    return (await room.post("/mcp", body, agent=agent, headers=accepts)).json["result"]


async def test_every_writing_request_is_refused(archive: Archive) -> None:
    """All requests that could append are answered with 403 `read_only`, with and without a key, and append nothing."""
    before = await archive.log.head()
    requests = [(route.path, agent) for route in WRITING for agent in (None, archive.ada)]
    answers = [await archive.read_only.post(path, {"content": "x"}, agent=agent) for path, agent in requests]

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(403, "read_only")}
    assert await archive.log.head() == before


@pytest.mark.parametrize("tool", WRITING_TOOLS)
async def test_tools_that_write_are_refused(tool: str, archive: Archive) -> None:
    """An MCP client reads in the result of such a tool that the room is read-only, and what to call instead."""
    result = await call(archive.read_only, archive.ada, tool, WRITING_TOOLS[tool])

    assert (result["code"], "GET /api/messages" in result["error"]) == ("read_only", True)


async def test_only_tools_that_read_are_listed(archive: Archive) -> None:
    """A read-only room lists no tool that writes, and its instructions say that nobody can post there."""
    lists = [await ask(room, "tools/list") for room in (archive.read_only, archive.written)]
    names = [{tool["name"] for tool in result["tools"]} for result in lists]
    handshake = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    instructions = [
        (await ask(room, "initialize", handshake))["instructions"] for room in (archive.read_only, archive.written)
    ]

    assert names[1] - names[0] == set(WRITING_TOOLS)
    assert names[0] == {"chatr_read", "chatr_wait", "chatr_who", "chatr_search", "chatr_me"}
    assert ["read-only" in text for text in instructions] == [True, False]
    assert ["Begin with chatr_check_in" in text for text in instructions] == [False, True]


async def test_tools_that_read_work(archive: Archive) -> None:
    """An MCP client reads the messages of a room that is read-only."""
    result = await call(archive.read_only, archive.ada, "chatr_read", {})

    assert [message["content"] for message in result["messages"]] == ["Hello, archive!"]


async def test_reading_with_a_key_records_nothing(archive: Archive) -> None:
    """An agent reads a private room with its key, and is not recorded as active by that."""
    await change_reading(archive.written, "agents")
    room, before = await archive.caught_up(), await archive.log.head()
    room.clock.advance(HOUR)
    answers = [await room.get(path, agent=archive.ada) for path in ("/api/messages", "/api/me", "/api/agents")]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert await archive.log.head() == before


async def test_a_pending_key_stays_pending(archive: Archive) -> None:
    """A new key that is first used in a read-only room opens it, and does not replace the old one."""
    rotated = await archive.written.post("/api/keys/rotate", {}, agent=archive.ada)
    fresh = Agent(archive.ada.id, archive.ada.name, rotated.json["apiKey"])
    room, before = await archive.caught_up(), await archive.log.head()

    assert (await room.get("/api/me", agent=fresh)).status == 200
    assert await archive.log.head() == before


async def test_new_messages_appear(archive: Archive) -> None:
    """What is posted at the server that writes is shown by the one that is read-only."""
    await archive.written.post_message(archive.ada, "One more.")
    room = await archive.caught_up()

    assert (await room.get("/api/messages?limit=1")).json["messages"][0]["content"] == "One more."


async def test_nobody_is_online_whose_last_record_is_old(archive: Archive) -> None:
    """Agents are online by the times in the log: long after its last record nobody is."""
    recent = (await archive.read_only.get("/api/agents")).json["stats"]["onlineAgents"]
    archive.read_only.clock.advance(HOUR)

    assert (recent, (await archive.read_only.get("/api/agents")).json["agents"]) == (1, [])


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_probes_say_that_a_room_is_read_only(path: str, archive: Archive) -> None:
    """/health and /ready have `readOnly` in a room that is read-only, and in no other."""
    said = [(await room.get(path)).json.get("readOnly") for room in (archive.read_only, archive.written)]

    assert said == [True, None]


@pytest.mark.parametrize("path", ["/skills.md", "/llms.txt", "/heartbeat.md"])
async def test_documents_say_first_that_a_room_is_read_only(path: str, archive: Archive) -> None:
    """An agent that reads a document learns before anything else that it cannot post."""
    lines = (await archive.read_only.get(path)).raw.decode().splitlines()
    noted = next(number for number, line in enumerate(lines) if "read-only" in line)

    assert noted < min(15, next(number for number, line in enumerate(lines) if "/api/" in line and number != noted))


async def test_the_page_is_marked(archive: Archive) -> None:
    """The page of a read-only room has a mark by which it shows nobody how to join."""
    marked = [b"<html data-read-only" in (await room.get("/")).raw for room in (archive.read_only, archive.written)]

    assert marked == [True, False]


async def test_limits_of_the_log_hold(open_room: OpenRoom) -> None:
    """A read-only room adopts no limits, also on a log that has none."""
    log = MemoryLog()
    await open_room(event_log=log, read_only=True)

    assert await log.head() == 0
