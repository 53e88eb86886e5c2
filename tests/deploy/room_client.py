"""A client of a hosted room, at its public address or at one of its nodes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import ClientSession, TCPConnector
from attrs import frozen

from tests.cluster.test_proxies import frames
from tests.deploy.hosted_room import HostedRoom
from tests.stream_client import TIMEOUT


@frozen
class Client:
    """Posts to a room and reads it."""

    http: ClientSession

    async def post(self, key: str, content: str) -> dict[str, Any]:
        """Post a message and return the response."""
        async with self.http.post("/api/messages", json={"content": content}, headers={"X-API-Key": key}) as reply:
            return dict(await reply.json())

    async def ids(self, key: str, *contents: str) -> list[str]:
        """Post messages and return their ids."""
        return [(await self.post(key, content))["message"]["id"] for content in contents]

    async def shown(self) -> list[str]:
        """Return the texts of the newest messages."""
        async with self.http.get("/api/messages") as reply:
            return [message["content"] for message in (await reply.json())["messages"]]

    @asynccontextmanager
    async def removed_ids(self, count: int) -> AsyncIterator[set[str]]:
        """Watch the room, and at the end wait for so many frames about removed messages; yields their ids."""
        ids: set[str] = set()
        async with self.http.get("/api/stream", params={"events": "removed"}) as stream:
            watch = frames(stream)
            assert [(await anext(watch)).kind for _ in range(2)] == ["history", "stats"]
            yield ids
            async with asyncio.timeout(TIMEOUT):
                while len(ids) < count:
                    frame = await anext(watch)
                    ids |= {frame.data["id"]} if frame.kind == "removed" else set()


@asynccontextmanager
async def public_client(room: HostedRoom) -> AsyncIterator[Client]:
    """Yield a client of the public address, which trusts no other authority than that of Caddy."""
    trusted = ssl.create_default_context(cafile=room.environ["SSL_CERT_FILE"])
    async with ClientSession(room.url, connector=TCPConnector(ssl=trusted)) as http:
        yield Client(http)


@asynccontextmanager
async def clients_of_nodes(room: HostedRoom) -> AsyncIterator[list[Client]]:
    """Yield a client of each node, past the proxy."""
    async with AsyncExitStack() as stack:
        urls = [f"http://127.0.0.1:{own['CHATR_PORT']}" for own in room.own]
        yield [Client(await stack.enter_async_context(ClientSession(url))) for url in urls]
