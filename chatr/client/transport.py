"""Sends requests to a room over HTTP, and repeats them as `retries.py` decides."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
from attrs import define, field

from chatr.client.closing import Closing
from chatr.client.errors import NoAnswer, RoomError, error_from
from chatr.client.failed_connections import FAILURES, no_answer, not_a_room
from chatr.client.rate_limits import RateLimits
from chatr.client.retries import Attempts, Request
from chatr.secret import shown_url
from chatr.web_proxy import session_options

ATTEMPT_TIMEOUT: Final = 30.0
"""Seconds for one attempt, plus the `wait` of a request that the room holds."""
CONNECT_TIMEOUT: Final = 10.0
SHORTEST_ATTEMPT: Final = 0.1
"""Seconds. For aiohttp a time-out of 0 means that there is none."""
SILENCE_TIMEOUT: Final = 60.0
"""Seconds without a byte after which a stream counts as lost: a room sends something every 15 s."""
TIME_LIMIT: Final = 600.0
"""Default of the seconds for which a call retries. An unverified agent may wait five minutes between two messages."""
NO_HEADERS: Final[Mapping[str, str]] = {}
T = TypeVar("T")


class OpenIterator(Protocol):
    """An iterator over a stream of the room."""

    async def aclose(self) -> None:
        """End it and close its connection."""
        ...


@define(eq=False)
class Transport:
    """One HTTP session with a room. The first request opens it, in the running event loop."""

    url: str
    key: str | None = field(repr=False)
    time_limit: float
    first_time_limit: float
    on_retry: Callable[[RoomError], object]
    _limits: RateLimits = field(factory=RateLimits)
    _session: aiohttp.ClientSession | None = None
    closing: Closing = field(factory=Closing)
    iterators: WeakSet[OpenIterator] = field(factory=WeakSet)
    """Those that were begun. Weak, so that an iterator that nobody refers to can be freed."""
    _loop: asyncio.AbstractEventLoop | None = None
    _has_answered: bool = False
    _is_failing: bool = False

    def __attrs_post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.shown_url!r} is not the address of a room, such as https://chat.example.org")
        self.url = self.url.rstrip("/")
        session_options(self.url)  # a proxy that cannot be used is reported at once

    @property
    def shown_url(self) -> str:
        """The address for error messages: without the name and password of a user, which a proxy may demand."""
        return shown_url(self.url)

    async def close(self) -> None:
        """Close all connections. Calls that wait raise NoAnswer."""
        self.closing.close()
        try:
            # At its end, the loop would close a generator and those that it reads at the same time, which may fail.
            for iterator in list(self.iterators):
                await iterator.aclose()
        finally:
            if self._session is not None:
                await self._session.close()

    async def send(self, request: Request, decode: Callable[[bytes], T]) -> T:
        """Send a request, repeatedly if necessary, and return the decoded body of the response. Raises RoomError.

        `decode` must raise NoAnswer for a body that does not come from a room.
        """
        clock = asyncio.get_running_loop().time
        start, attempts = clock(), Attempts(request)
        pause = self._limits.pause_before(request, start)
        # If the rate limit ends after the time limit, send anyway: the error of the room says when to try again.
        await self.closing.pause(pause if pause < self.time_limit else 0)
        while True:
            try:
                answer = decode(await self._attempt(request, max(SHORTEST_ATTEMPT, start + self.time_limit - clock())))
            except RoomError as error:
                self._limits.error_received(error, clock())
                pause = attempts.pause_after(error, start + self.time_limit_after(error) - clock())
                self.report_failure(error)
                await self.closing.pause(pause)
            else:
                self.report_answer()
                return answer

    def time_limit_after(self, error: RoomError) -> float:
        """Return the seconds for which a call retries after an error: few until the room has answered once."""
        # Only a room sends error codes.
        self._has_answered |= bool(error.code)
        if self._has_answered or self.first_time_limit >= self.time_limit:
            return self.time_limit
        return 0 if isinstance(error, NoAnswer) and error.is_wrong_address else self.first_time_limit

    def report_failure(self, error: RoomError) -> None:
        """Call `on_retry` for the first failure after an answer."""
        if not self._is_failing:
            self.on_retry(error)
        self._is_failing = True

    def report_answer(self) -> None:
        """Note that the room has answered."""
        self._has_answered, self._is_failing = True, False

    @asynccontextmanager
    async def stream(
        self, query: Mapping[str, str], cursor: str, closing: Closing
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Open the stream of events after `cursor`. `closing` ends it. Raises RoomError, also while it is read."""
        # The whole duration has no time-out, only connecting and the time between two reads.
        timeout = aiohttp.ClientTimeout(
            sock_connect=min(CONNECT_TIMEOUT, self.first_time_limit), sock_read=SILENCE_TIMEOUT
        )
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": cursor} if cursor else {})
        request = Request("GET", "/api/stream", query)
        async with self._open_response(request, timeout, closing, headers) as response:
            if response.content_type != "text/event-stream":
                raise not_a_room(self.shown_url, "it sends no stream of events")
            with closing.reading(response.content):
                yield response.content

    async def _attempt(self, request: Request, seconds_left: float) -> bytes:
        timeout = aiohttp.ClientTimeout(
            total=min(ATTEMPT_TIMEOUT + request.wait, seconds_left),
            sock_connect=min(CONNECT_TIMEOUT, self.first_time_limit),
        )
        async with self._open_response(request, timeout, self.closing) as response, self.closing.awaiting():
            body = await response.read()
            self._limits.response_received(response.headers, asyncio.get_running_loop().time())
            return body

    @asynccontextmanager
    async def _open_response(
        self,
        request: Request,
        timeout: aiohttp.ClientTimeout,
        closing: Closing,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once. Raises NoAnswer without a response, and another RoomError for an error response."""
        try:
            async with closing.awaiting():
                response = await self._open_session().request(
                    request.method,
                    self.url + request.path,
                    params=dict(request.query),
                    json=request.body,
                    headers={**headers, **self._headers(request)},
                    timeout=timeout,
                    # A redirect could send the key to another server.
                    allow_redirects=False,
                )
            async with response:
                if response.status != 200:
                    raise error_from(self.shown_url, response.status, response.headers, await response.read())
                yield response
        except FAILURES as error:
            raise no_answer(self.shown_url, error) from error

    def _headers(self, request: Request) -> dict[str, str]:
        # A key that was read from a file may end with a line feed.
        authorization = {"Authorization": f"Bearer {self.key.strip()}"} if self.key else {}
        idempotency = {"Idempotency-Key": request.idempotency_key} if request.idempotency_key else {}
        return authorization | idempotency

    def _open_session(self) -> aiohttp.ClientSession:
        self.closing.check()
        if self._loop not in (None, asyncio.get_running_loop()):
            raise RuntimeError("A Room belongs to the event loop of its first call: open another one in this loop.")
        if self._session is None:
            self._loop = asyncio.get_running_loop()
            # A room sets no cookies; those of a proxy need not be sent back.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), **session_options(self.url))
        return self._session
