"""GET /archive, its months and days, and GET /messages/{id}: the room as HTML that needs no scripts."""

import asyncio
import re
from collections.abc import Sequence
from datetime import date
from itertools import islice
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.conditional_response import content_response
from chatr.adapters.http.endpoints.archive_days import ArchiveDays
from chatr.adapters.http.endpoints.archived_messages import PAGE_SIZE, ArchivedMessages
from chatr.adapters.http.endpoints.messages import known_position
from chatr.adapters.http.endpoints.watch_page import HEADERS
from chatr.adapters.http.error_catalogue import NOT_IN_ARCHIVE, http_error
from chatr.adapters.http.page.archive_calendar import Counts, month_page, overview_page
from chatr.adapters.http.page.archive_document import PageContext
from chatr.adapters.http.page.archive_html import day_page, day_path, message_page
from chatr.adapters.http.page.language import PARAMETER, requested_language
from chatr.adapters.http.page.periods import Period, day_period, days_of, month_of, months_of
from chatr.adapters.http.query_string import number
from chatr.node.node import Node

YEARS: Final = 100
"""The maximum number of years on a page; a link leads to earlier ones. Only wrong clocks produce so many."""
NEIGHBOURS: Final = 5
"""Messages that the page of a message shows before it, and after it."""
PERIOD: Final = re.compile("[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
LARGEST_PAGE: Final = 10**9


@frozen
class ArchiveHandlers:
    """Handlers that return pages of the archive, with links to the room at its public address `url`."""

    _node: Node
    _messages: ArchivedMessages
    _url: str
    _is_indexed: bool

    async def overview(self, request: web.BaseRequest) -> web.Response:
        """Return the years and months with messages, and how many they have; `before` selects earlier years."""
        days = archive_days(self._node)
        before = number(request, "before", 0, date.max.year) or None
        found = list(islice(days.years(before), YEARS + 1))
        years: list[tuple[int, Counts]] = []
        for year in found[:YEARS]:
            years.append((year, counted(days, months_of(year))))
            # Other requests run between two years, of which a clock that was wrong may have made a hundred.
            await asyncio.sleep(0)
        context = self._context(request, "archive" if before is None else f"archive?before={before}")
        return html_response(overview_page(context, years, found[YEARS - 1] if len(found) > YEARS else None))

    async def period(self, request: web.BaseRequest) -> web.Response:
        """Return a month as a calendar, or a page of a day. Raises HttpError (404, 503) or LogUnavailable."""
        period = parsed_period(request.rel_url.path_safe.rpartition("/")[2])
        if period is None or not archive_days(self._node).messages(period).count:
            raise http_error(NOT_IN_ARCHIVE)
        return await self._day(request, period) if period.first == period.last else self._month(request, period)

    def _month(self, request: web.BaseRequest, month: Period) -> web.Response:
        days = archive_days(self._node)
        counts = counted(days, days_of(month))
        context = self._context(request, f"archive/{month}")
        earlier, later = days.before(month), days.after(month)
        others = (month_of(earlier) if earlier else None, month_of(later) if later else None)
        return html_response(month_page(context, month, counts, others))

    async def _day(self, request: web.BaseRequest, day: Period) -> web.Response:
        room, days = self._node.room, archive_days(self._node)
        of_day, page = days.messages(day), number(request, "page", 1, LARGEST_PAGE)
        # Removed messages count, too, so that a page always has the same messages.
        on_page = of_day.indexes((page - 1) * PAGE_SIZE, PAGE_SIZE)
        if not on_page:
            raise http_error(NOT_IN_ARCHIVE)
        context = self._context(request, day_path(day.first, page))
        pages, others = (page, -(-of_day.count // PAGE_SIZE)), (days.before(day), days.after(day))
        return await self._messages.response(
            request,
            [room.history.positions[index] for index in on_page],
            (context, pages, others),
            lambda messages: html_response(day_page(context, room, messages, day.first, pages, others)),
        )

    async def message(self, request: web.BaseRequest) -> web.Response:
        """Return a message with those around it. Raises HttpError (404, 503) or LogUnavailable."""
        position = await known_position(self._node, request)
        room, days = self._node.room, archive_days(self._node)
        context = self._context(request, f"messages/{position}")
        (index,) = room.history.indexes_of([position])
        around = range(max(index - NEIGHBOURS, 0), min(index + NEIGHBOURS + 1, room.history.count))
        day = days.day_of(index)
        page = days.messages(day_period(day)).count_until(index) // PAGE_SIZE + 1
        return await self._messages.response(
            request,
            room.history.positions[around.start : around.stop],
            (context, page),
            lambda messages: html_response(message_page(context, room, messages, position, day_path(day, page))),
        )

    def _context(self, request: web.BaseRequest, path: str) -> PageContext:
        is_named = PARAMETER in request.query
        return PageContext(self._url, path, requested_language(request), is_named, self._is_indexed)


def archive_days(node: Node) -> ArchiveDays:
    """Return the days of the room, with all messages so far."""
    return ArchiveDays(node.room.history.times)


def counted(days: ArchiveDays, periods: Sequence[Period]) -> list[tuple[Period, int]]:
    """Return the periods that have messages, each with how many of them are not hidden."""
    return [(period, days.visible_count(period)) for period in periods if days.messages(period).count]


def parsed_period(text: str) -> Period | None:
    """Return the day ("2026-11-23") or month ("2026-11") that `text` names; None if there is none."""
    if not PERIOD.fullmatch(text):
        return None
    try:
        return day_period(date.fromisoformat(text)) if len(text) > 7 else month_of(date.fromisoformat(f"{text}-01"))
    except ValueError:
        return None


def html_response(page: str) -> web.Response:
    """Return a response with a page, and with the headers that all pages have."""
    response = content_response(page.encode(), "text/html")
    response.headers.update(HEADERS)
    return response
