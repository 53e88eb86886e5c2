"""Responses while the log is opened and folded: the server listens, and the room is not open yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from chatr.adapters.http import routes
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.dispatch import Handler, respond
from chatr.adapters.http.endpoints.health import LIVE, LIVE_READ_ONLY
from chatr.adapters.http.error_catalogue import NOT_READY, ROOM_STARTING, HttpError, http_error
from chatr.adapters.http.headers import add_default_headers
from chatr.adapters.http.json_response import as_response
from chatr.adapters.http.observation import OTHER, ROUTE
from chatr.adapters.http.stream.hub import COMMENT
from chatr.adapters.http.stream.response_head import STREAM_HEADERS
from chatr.domain.rule import RuleViolated

RETRY_SECONDS: Final = 2
"""Retry-After while the room starts."""
COMMENT_INTERVAL: Final = 10.0
"""Seconds between two comments on a stream that waits. Proxies close a silent connection after 60."""
PATHS: Final = {route.path for route in routes.ALL_ROUTES}
STREAMS_PER_ITERATION: Final = 16
"""Waiting streams that go on in one iteration of the event loop: each is sent the history."""


WatchHandler = Callable[[web.BaseRequest, web.StreamResponse | None], Awaitable[web.StreamResponse]]
"""Makes a watcher of a request for the stream. The response, if any, is one whose head was sent already."""


class StartingRoom:
    """Answers requests until `open` is called. `position` records are folded, of the `head_position` in the log."""

    def __init__(self, admission: Admission, request_wait: float, *, is_read_only: bool = False) -> None:
        """`request_wait`: seconds for which a request waits for the room before it is answered with an error."""
        self._live = LIVE_READ_ONLY if is_read_only else LIVE
        self.position = 0
        self.head_position = 0
        self._admission = admission
        self._request_wait = request_wait
        self._handler: Handler | None = None
        self._watch: WatchHandler | None = None
        self._closed = False
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: by the room once it is open, also on connections that were opened before."""
        if self._handler is not None:
            return await self._handler(request)
        return await respond(self._answer, request)

    async def open(self, handler: Handler, watch: WatchHandler) -> None:
        """Let the room answer from now on, and let the streams that wait go on, a few at a time."""
        self._handler, self._watch = handler, watch
        while self._waiting:
            self._release(STREAMS_PER_ITERATION)
            await asyncio.sleep(0)

    def close(self) -> None:
        """End the streams that still wait, because the server stops before the room was open."""
        self._closed = True
        self._release(len(self._waiting))

    def _release(self, count: int) -> None:
        for future in list(self._waiting)[:count]:
            del self._waiting[future]
            if not future.done():
                future.set_result(None)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path, is_read = request.rel_url.path_safe, request.method in ("GET", "HEAD")
        request[ROUTE] = path if path in PATHS else OTHER
        self._admission.check_request(request)
        if path == routes.LIVE.path and is_read:
            return as_response(self._live)
        if path == routes.READY.path and is_read:
            raise http_error(NOT_READY, retryAfter=RETRY_SECONDS, position=self.position, head=self.head_position)
        if path == routes.STREAM.path and is_read:
            return await self._hold_stream(request)
        # Most starts take only a moment: a short wait spares clients another attempt.
        if await self._start_ends_within(self._request_wait) and self._handler is not None:
            return await self._handler(request)
        raise http_error(ROOM_STARTING, retryAfter=RETRY_SECONDS)

    async def _hold_stream(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the head and comments until the room is open. An EventSource never returns from an error response."""
        response = web.StreamResponse(headers=STREAM_HEADERS)
        if request.method == "HEAD":
            return response
        self._admission.count_request(self._admission.client_address(request))
        with self._admission.hold_stream_slot(request):
            add_default_headers(request, response)
            await response.prepare(request)
            await response.write(COMMENT)  # aiohttp sends the head with the first bytes of the body
            while not await self._start_ends_within(COMMENT_INTERVAL):
                await response.write(COMMENT)
        # The slot was freed without an `await` in between, so the watcher gets it.
        if self._watch is None:
            return response
        try:
            return await self._watch(request, response)
        except (HttpError, RuleViolated):
            # The room is private. The head was sent, so the stream ends; the next request is told the reason.
            return response

    async def _start_ends_within(self, seconds: float) -> bool:
        """Wait until the room is open or the server stops; return False after `seconds`."""
        if self._watch is not None or self._closed:
            return True
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        finally:
            # Also if the client has left: `open` must not wake a request that is gone.
            self._waiting.pop(future, None)
        return True
