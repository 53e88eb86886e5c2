"""/mcp in the metrics and the access log, while the room starts, and below a path."""

from typing import Final

from aiohttp import ClientSession
from structlog.testing import capture_logs

from tests.conftest import OpenRoom
from tests.http.test_starting_room import starting_room
from tests.mcp.messages import call, envelope, headers_for, send
from tests.metrics.scrape import open_measured

LIST: Final = envelope("tools/list")


async def test_metrics(open_room: OpenRoom) -> None:
    """Calls are counted under the route /mcp, and rejected ones under their error code, as over HTTP."""
    measured = await open_measured(open_room)
    await call(measured.room, "chatr_me")
    await send(measured.room, "tools/list")
    scrape = await measured.scrape()

    assert scrape.value("http_server_request_duration_seconds_count", http_route="/mcp") == 2
    assert scrape.value("chatr_refusals_total", code="unauthorized") == 1


async def test_the_access_log(open_room: OpenRoom) -> None:
    """The access log names the route, and the error code of a rejected call beside its status 200."""
    room = await open_room(access_log=True)
    with capture_logs() as logs:
        await call(room, "chatr_me")
        await call(room, "chatr_who")
    lines = [(line["route"], line["status"], line.get("code")) for line in logs if line["event"] == "request_answered"]

    assert lines == [("/mcp", 200, "unauthorized"), ("/mcp", 200, None)]


async def test_a_room_that_starts() -> None:
    """While the room starts, requests get 503 with a JSON-RPC error."""
    async with (
        starting_room() as (url, _, _),
        ClientSession(url) as http,
        http.post("/mcp", json=LIST, headers=headers_for(LIST)) as answer,
    ):
        error = (await answer.json())["error"]

    assert (answer.status, error["data"]["code"], "Retry-After" in answer.headers) == (503, "storage_unavailable", True)


async def test_a_room_below_a_path(open_room: OpenRoom) -> None:
    """A room below a path serves MCP there, and names its address with the path."""
    room = await open_room(public_url="https://example.org/chat")
    body = envelope("resources/read", {"uri": "chatr://skill"})
    answer = await room.post("/chat/mcp", body, headers=headers_for(body))

    assert "https://example.org/chat/api/messages" in answer.json["result"]["contents"][0]["text"]
