"""A room that is read with a key: a server in front of a real one, which rejects what has no key that opens there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from aiohttp import ClientSession, web
from attrs import define, field

from tests.browser.hosted_room import HostedRoom

OPEN_FOLDERS: Final = ("/page/", "/client.js", "/docs", "/openapi.json", "/skills.md", "/health", "/api/register")
NEEDS_KEY: Final = {
    "success": False,
    "code": "reading_needs_key",
    "error": "This room is read with a key. Send it in the Authorization header.",
}
FORWARDED: Final = ("Authorization", "Accept", "Content-Type")


@define
class PrivateRoom:
    """The server in front. `revoked` holds values of Authorization that no longer open the room."""

    room: HostedRoom
    url: str = ""
    revoked: set[str] = field(factory=set)
    requested: list[tuple[str, str]] = field(factory=list)
    """Path and Authorization of each request."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request as the real server does, if it is allowed."""
        given = request.headers.get("Authorization", "")
        self.requested.append((request.path, given))
        async with ClientSession(self.room.url) as http:
            if request.path != "/" and not request.path.startswith(OPEN_FOLDERS):
                if not given:
                    return web.json_response(NEEDS_KEY, status=403)
                key = "revoked" if given in self.revoked else given
                async with http.get("/api/me", headers={"Authorization": key}) as me:
                    if not me.ok:
                        return web.Response(body=await me.read(), status=me.status, content_type="application/json")
            return await forward(request, http)


async def forward(request: web.BaseRequest, http: ClientSession) -> web.StreamResponse:
    """Return the response of the real server, piece by piece."""
    headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    async with http.request(request.method, request.rel_url, headers=headers, data=await request.read()) as reply:
        response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.headers["Content-Type"]})
        for name in ("Content-Security-Policy", "Date"):
            if name in reply.headers:
                response.headers[name] = reply.headers[name]
        await response.prepare(request)
        with suppress(ConnectionError):  # the browser has left
            async for piece in reply.content.iter_any():
                await response.write(piece)
        return response


@contextmanager
def private(room: HostedRoom) -> Iterator[PrivateRoom]:
    """Serve a room that is read with a key, in the thread of the room."""
    front = PrivateRoom(room)
    # Both are made in the room's thread, whose event loop they remember.
    runner = asyncio.run_coroutine_threadsafe(serve(front), room.loop).result(20)
    try:
        yield front
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), room.loop).result(20)


async def serve(front: PrivateRoom) -> web.ServerRunner:
    """Listen, and set the URL."""
    runner = web.ServerRunner(web.Server(front.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0).start()
    front.url = f"http://localhost:{runner.addresses[0][1]}"
    return runner
