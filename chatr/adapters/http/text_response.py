"""Responses as plain text, for requests that ask for it with `format=text` or with `Accept: text/plain`."""

import re
from typing import Final

from aiohttp import hdrs, web

from chatr.adapters.http.error_catalogue import JSON

TEXT: Final = "text/plain"
QUALITY: Final = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def wants_text(request: web.BaseRequest, requested: object) -> bool:
    """Return whether a request wants text; `requested` is its `format`."""
    if requested is not None:
        return requested == "text"
    accept = ",".join(request.headers.getall(hdrs.ACCEPT, ()))
    text, json = preference(accept, TEXT), preference(accept, JSON)
    # axios and Angular send "application/json, text/plain, */*" with each request, and mean JSON.
    return text > json and text[0] > 0


def preference(accept: str, media_type: str) -> tuple[float, int]:
    """Return how much a header `Accept` prefers a media type: its weight, and how exactly it is named.

    Greater is preferred. Of several ranges the most exact one holds (RFC 9110, section 12.5.1).
    """
    ranges = ("*/*", media_type.partition("/")[0] + "/*", media_type)
    exactness, weight = -1, 0.0
    for part in accept.split(","):
        name = part.partition(";")[0].strip().lower()
        if name in ranges and ranges.index(name) >= exactness:
            given = QUALITY.search(part)
            exactness, weight = ranges.index(name), float(given[1]) if given else 1.0
    return weight, exactness


def text_response(text: str) -> web.Response:
    """Return a response with status 200 and text."""
    return web.Response(text=text, content_type=TEXT, charset="utf-8")
