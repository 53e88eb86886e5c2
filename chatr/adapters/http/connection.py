"""One client's connection. aiohttp gives a request's head all the time in the world; here it has ten seconds."""

import asyncio
from typing import Any

from aiohttp import web

from chatr.adapters.http.answers import dress, raw, refused
from chatr.adapters.http.refusals import TOO_SLOW, turn


class Connection(web.RequestHandler):
    """`head_arrived` and `finish_response` bracket the handling of a request; bytes outside of it begin the next."""

    __slots__ = ("_handling", "_head_seconds", "_head_timer")

    def __init__(self, server: web.Server, *, head_seconds: float, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._head_seconds = head_seconds
        self._head_timer: asyncio.TimerHandle | None = None
        self._handling = False

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and not self._handling:
            self._head_timer = asyncio.get_running_loop().call_later(self._head_seconds, self._head_late)
        super().data_received(data)

    def head_arrived(self) -> None:
        self._handling = True
        self._stop_timer()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """What was begun already, as a stream, is dressed."""
        self._handling = False
        self._stop_timer()
        if not resp.prepared:
            dress(request, resp)
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- aiohttp's signature; its text is not ours to repeat
    ) -> web.StreamResponse:
        """A request of which aiohttp could make no sense; the connection ends with the answer, if it has not yet."""
        if isinstance(exc, ConnectionError):
            raise exc
        reason = exc if isinstance(exc, Exception) else RuntimeError(f"aiohttp answered {status}")
        answer = refused(request, reason)
        answer.force_close()
        return answer

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if self.transport is not None:
            self.transport.write(raw(turn(TOO_SLOW, seconds=f"{self._head_seconds:g}")))
        self.force_close()
