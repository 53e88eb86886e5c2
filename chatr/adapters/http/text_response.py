"""Responses as plain text, for requests that ask for it with `format=text` or with `Accept: text/plain`."""

from aiohttp import web


def wants_text(request: web.BaseRequest, requested: object) -> bool:
    """Return whether a request wants text; `requested` is its `format`."""
    return requested == "text" or (requested is None and "text/plain" in request.headers.get("Accept", ""))


def text_response(text: str) -> web.Response:
    """Return a response with status 200 and text, which depends on `Accept`."""
    return web.Response(text=text, content_type="text/plain", charset="utf-8", headers={"Vary": "Accept"})
