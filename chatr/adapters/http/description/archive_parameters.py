"""The parameters of requests for the archive, the feeds and the sitemap."""

from typing import Final

from chatr.adapters.http.description.route import Parameter
from chatr.adapters.http.description.schemas import MESSAGE_ID, TEXT, clamped, text

DATE: Final = Parameter(
    "path", "date", "A day in UTC, or a month.", text("^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"), "2026-01-01", required=True
)
PAGE: Final = Parameter("query", "page", "A page of the day, each with a hundred messages.", clamped(1, 10**9, 1), 1)
YEAR: Final = Parameter("query", "year", "Return the days of this year that have messages.", TEXT, "2026")
BEFORE_YEAR: Final = Parameter("query", "before", "Return the years before this one.", TEXT, "2026")
BEFORE_MESSAGE: Final = Parameter(
    "query", "before", "A message id. Return the last messages before it.", MESSAGE_ID, "2042"
)
LANGUAGE: Final = Parameter(
    "query", "language", "The language of the page, `en` or `zh-Hans`, instead of that in Accept-Language.", TEXT, "en"
)
