"""Keeps the times from which requests are allowed, by what the room sent about its rate limits."""

import re
from collections.abc import Mapping
from typing import Final

from attrs import define

from chatr.client.errors import RoomError
from chatr.client.retries import Request, is_transient
from chatr.wire import ErrorCode

NONE_LEFT: Final = re.compile('"messages";r=0;t=([0-9]{1,9})')
"""A RateLimit header (IETF draft 11) that says that no message may be posted for so many seconds."""


@define
class RateLimits:
    """Remembers until when a request would be rejected, so that it is not sent in vain."""

    _posts_from: float = 0
    _requests_from: float = 0

    def response_received(self, headers: Mapping[str, str], now: float) -> None:
        """Note what a response says about the quota of messages."""
        if match := NONE_LEFT.fullmatch(headers.get("RateLimit", "")):
            self._posts_from = now + int(match[1])

    def error_received(self, error: RoomError, now: float) -> None:
        """Note a rejection that holds for all requests: of this address, of a room that is away, or by a proxy."""
        # While the search index is built, for minutes in a large room, all but searches is served.
        is_away = error.status == 503 and error.code != ErrorCode.SEARCH_UNAVAILABLE
        holds_for_all = is_away or error.code in ("", ErrorCode.REQUEST_RATE_LIMITED)
        if error.retry_after and holds_for_all and is_transient(error):
            self._requests_from = now + error.retry_after

    def pause_before(self, request: Request, now: float) -> float:
        """Return the seconds for which this request would be rejected, 0 if it may be sent."""
        is_post = (request.method, request.path) == ("POST", "/api/messages")
        return max(0, self._requests_from - now, self._posts_from - now if is_post else 0)
