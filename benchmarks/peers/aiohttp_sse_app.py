"""A room as one would write it with aiohttp and aiohttp-sse: a queue and a task for each watcher. It stores nothing."""

import asyncio
import sys

from aiohttp import web
from aiohttp_sse import sse_response

watchers: set[asyncio.Queue[str]] = set()


async def stream(request: web.Request) -> web.StreamResponse:
    """Send every message that is posted from now on."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    async with sse_response(request) as response:
        watchers.add(queue)
        try:
            while response.is_connected():
                await response.send(await queue.get())
        finally:
            watchers.discard(queue)
    return response


async def post(request: web.Request) -> web.Response:
    """Pass the body on to every watcher."""
    message = await request.text()
    for queue in watchers:
        queue.put_nowait(message)
    return web.Response(status=204)


app = web.Application()
app.router.add_get("/api/stream", stream)
app.router.add_post("/api/messages", post)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, backlog=1024, shutdown_timeout=1)
