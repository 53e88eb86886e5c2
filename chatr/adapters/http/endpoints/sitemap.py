"""GET /sitemap.xml: the addresses of the archive, for search engines."""

import asyncio
from collections.abc import Iterable
from datetime import date
from html import escape
from itertools import islice
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.conditional_response import content_response
from chatr.adapters.http.endpoints.archive import YEARS, archive_days
from chatr.adapters.http.endpoints.archive_days import ArchiveDays, day_at, seconds_of
from chatr.adapters.http.error_catalogue import NOT_IN_ARCHIVE, http_error
from chatr.adapters.http.page.periods import Period, days_of, months_of, year_of
from chatr.adapters.http.query_string import number
from chatr.domain.history import History
from chatr.domain.messages_between import last_before
from chatr.domain.timestamps import iso_timestamp
from chatr.node.node import Node

REMOVALS_CONSIDERED: Final = 100
"""Removed messages of a day that are looked at, the last ones, for when its page changed last."""
XML: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


@frozen
class SitemapHandlers:
    """Handler that returns the sitemaps of the room at its public address `url`.

    There is one for each year, so that a crawler reads those again that changed, and none is long.
    """

    _node: Node
    _url: str

    async def sitemap(self, request: web.BaseRequest) -> web.Response:
        """Return the list of years, or the pages of the year in the query. Raises HttpError (404)."""
        year = number(request, "year", 0, date.max.year, minimum=0)
        return await self._year(year) if year else await self._index()

    async def _index(self) -> web.Response:
        history, days = self._node.room.history, archive_days(self._node)
        address, lines = f"{self._url}/sitemap.xml?year=", list[str]()
        for year in map(year_of, islice(days.years(), YEARS)):
            lines.append(entry("sitemap", f"{address}{year}", changed_at(history, days, year)))
            await asyncio.sleep(0)
        return xml_response("sitemapindex", lines)

    async def _year(self, year: int) -> web.Response:
        history, days = self._node.room.history, archive_days(self._node)
        if not days.messages(year_of(year)).count:
            raise http_error(NOT_IN_ARCHIVE)
        paths = ["", "archive"] if year == next(days.years()) else []
        lines = [entry("url", f"{self._url}/{path}") for path in paths]
        for month in months_of(year):
            found = [each for each in (month, *days_of(month)) if days.messages(each).count]
            lines += [entry("url", f"{self._url}/archive/{each}", changed_at(history, days, each)) for each in found]
            # Other requests run between two months: a year takes some milliseconds.
            await asyncio.sleep(0)
        return xml_response("urlset", lines)


def changed_at(history: History, days: ArchiveDays, period: Period) -> str:
    """Return the day on which the messages of a period changed last: its last one was posted, or one was removed."""
    # The span may have messages of other days, where a clock was wrong: then a crawler reads the page once more.
    span, removals = days.messages(period).span, history.removals
    first, last = history.positions[span.start], history.positions[span.stop - 1]
    end = removals.count_before(last + 1)
    start = max(removals.count_before(first), end - REMOVALS_CONSIDERED)
    removed = [removals.by_message[position].at for position in removals.message_positions[start:end]]
    posted = day_at(last_before(days.times, seconds_of(period)[1]) or 0)
    return max([str(posted), *(iso_timestamp(at)[:10] for at in removed)])


def entry(name: str, address: str, changed: str | None = None) -> str:
    """Return an address as an element of a sitemap."""
    changed_element = "" if changed is None else f"<lastmod>{changed}</lastmod>"
    return f"  <{name}><loc>{escape(address)}</loc>{changed_element}</{name}>\n"


def xml_response(root: str, lines: Iterable[str]) -> web.Response:
    """Return a sitemap with these lines."""
    document = f'{XML}<{root} xmlns="{NAMESPACE}">\n{"".join(lines)}</{root}>\n'
    return content_response(document.encode(), "application/xml")
