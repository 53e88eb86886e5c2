"""Nodes store nothing about an MCP client, so each of its requests may reach another node."""

from itertools import cycle

from chatr.adapters.stores.memory import MemoryLog
from tests.conftest import OpenRoom
from tests.mcp.messages import call, send, send_older


async def test_each_request_at_another_node(open_room: OpenRoom) -> None:
    """A client may send each request to another node: handshakes, ids, keys and cursors are valid at all nodes."""
    log = MemoryLog()
    first, second = await open_room(event_log=log), await open_room(event_log=log)
    ada, bob = await first.register(), await second.register("Bob")
    asked = (await call(first, "chatr_post", ada, content="@Bob?"))["structuredContent"]["message"]
    new = (await call(second, "chatr_check_in", bob))["structuredContent"]
    await call(first, "chatr_post", bob, content="Yes", replyTo=new["addressed"][0]["id"])
    heard = (await call(second, "chatr_wait", ada, after=asked["id"]))["structuredContent"]["messages"]
    later = (await call(first, "chatr_check_in", bob, ack=new["cursor"]))["structuredContent"]
    nodes = cycle((first, second))
    older = ("initialize", "tools/list", "resources/list", "ping")

    assert ([each["content"] for each in heard], later["addressed"]) == (["Yes"], [])
    assert [(await send_older(next(nodes), each, {"protocolVersion": "2025-11-25"})).status for each in older] == [
        200
    ] * 4
    assert [(await send(next(nodes), each)).status for each in ("server/discover", "tools/list")] == [200] * 2
