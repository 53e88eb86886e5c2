"""Responses with an ETag: a client that has the content already gets 304 without a body (RFC 9110, section 13)."""

from hashlib import sha256

from aiohttp import ETag, hdrs, web


def conditional(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Return `response` with its ETag, or status 304 if the request's `If-None-Match` names it."""
    content = response.body
    assert isinstance(content, bytes)
    etag = ETag(sha256(content).hexdigest()[:16])
    # Tags are compared without their W/ prefix: a proxy that compresses turns a strong tag into a weak one.
    if not {etag.value, "*"}.isdisjoint(known.value for known in request.if_none_match or ()):
        headers = response.headers.copy()
        headers.pop(hdrs.CONTENT_TYPE, None)
        response = web.Response(status=304, headers=headers)
    response.etag = etag
    return response


def content_response(content: bytes, content_type: str) -> web.Response:
    """Return `content` with status 200. Text and SVG are declared as UTF-8."""
    charset = "utf-8" if content_type.startswith(("text/", "image/svg")) else None
    return web.Response(body=content, content_type=content_type, charset=charset)
