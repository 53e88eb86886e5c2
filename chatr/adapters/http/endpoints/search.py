"""GET /api/messages?q=WORDS: the page of messages that contain all of these words."""

import asyncio
from typing import Final

from aiohttp import web

from chatr.adapters.http.error_catalogue import STORE_RETRY_SECONDS, HttpError, http_error
from chatr.adapters.http.query_string import number
from chatr.adapters.http.read_errors import READ_OVERLOADED
from chatr.adapters.http.search_errors import (
    NOTHING_TO_SEARCH,
    SEARCH_NOT_READY,
    SEARCH_OF_REMOVED,
    SEARCH_TOO_LONG,
    SEARCH_TOO_SLOW,
    SEARCH_UNAVAILABLE,
    SEARCH_WAITS,
)
from chatr.domain.history import Page
from chatr.domain.selection import Selection
from chatr.node.node import Node
from chatr.search_types import NothingToSearch, SearchNotReady, SearchTooLong, SearchTooSlow, SearchUnavailable

TIME_LIMIT: Final = 5.0
"""Seconds for a search, including the wait for those before it."""
LONGEST_RETRY: Final = 60
"""The most seconds after which a client is told to try again, however long the index still takes."""

NOTHING: Final = (0, 1)
"""A range without positions. It is searched all the same, so that a query is checked in any case."""


async def found_page(
    node: Node, request: web.BaseRequest, selection: Selection, after: int | None, before: int | None, limit: int
) -> Page:
    """Return the page of the selected messages with all words of `q`, as `History.page` does.

    Raises HttpError (400, 422, 503).
    """
    if number(request, "wait", 0, 1, minimum=0):
        raise http_error(SEARCH_WAITS)
    if selection.with_hidden:
        raise http_error(SEARCH_OF_REMOVED)
    if node.search is None:
        raise http_error(SEARCH_UNAVAILABLE, reason="it has none", retryAfter=LONGEST_RETRY)
    history = node.room.history
    # The index searches one range. Where clocks stepped back far it has messages of other times, which are left out.
    windows = selection.windows(history, after, before) or [NOTHING]
    (low, _), (_, high) = windows[0], windows[-1]
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await node.search.find(
                request.query["q"],
                (low, high),
                limit,
                selection.criteria(history),
                forward=after is not None,
                is_selected=lambda position: selection.has_time(history, position),
            )
    except TimeoutError as error:
        raise http_error(READ_OVERLOADED, retryAfter=STORE_RETRY_SECONDS) from error
    except (SearchUnavailable, NothingToSearch, SearchTooLong, SearchTooSlow) as error:
        raise as_http_error(error) from error


def as_http_error(error: Exception) -> HttpError:
    """Return the HTTP error for one that a search raised."""
    match error:
        case NothingToSearch():
            return http_error(NOTHING_TO_SEARCH)
        case SearchTooLong():
            return http_error(SEARCH_TOO_LONG)
        case SearchTooSlow():
            return http_error(SEARCH_TOO_SLOW)
        # A text is the reason why the index fails, which no progress will end.
        case SearchNotReady() if not str(error):
            retry = min(error.seconds, LONGEST_RETRY)
            return http_error(SEARCH_NOT_READY, position=error.position, head=error.last_position, retryAfter=retry)
        case _:
            return http_error(SEARCH_UNAVAILABLE, reason=str(error), retryAfter=STORE_RETRY_SECONDS)
