"""A room as one would write it with Starlette and sse-starlette: a queue and a generator for each watcher."""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

watchers: set[asyncio.Queue[str]] = set()


async def stream(_request: Request) -> Response:
    """Send every message that is posted from now on."""
    queue: asyncio.Queue[str] = asyncio.Queue()

    async def events() -> AsyncIterator[dict[str, str]]:
        watchers.add(queue)
        try:
            yield {"comment": "welcome"}
            while True:
                yield {"data": await queue.get()}
        finally:
            watchers.discard(queue)

    return EventSourceResponse(events())


async def post(request: Request) -> Response:
    """Pass the body on to every watcher."""
    message = (await request.body()).decode()
    for queue in watchers:
        queue.put_nowait(message)
    return Response(status_code=204)


app = Starlette(routes=[Route("/api/stream", stream), Route("/api/messages", post, methods=["POST"])])
