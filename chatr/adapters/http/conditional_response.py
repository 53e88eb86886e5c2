"""Responses with an ETag: a client that has the content already gets 304 without a body (RFC 9110, section 13)."""

from hashlib import sha256

from aiohttp import hdrs, web


def conditional(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Return `response` with its ETag, or status 304 if the request's `If-None-Match` names it."""
    content = response.body
    assert isinstance(content, bytes)
    tag = sha256(content).hexdigest()[:16]
    # Proxies that compress change tags to W/"…" or "…-gzip", and a list may be in several headers.
    known = ",".join(request.headers.getall(hdrs.IF_NONE_MATCH, ()))
    if tag in known or known.strip() == "*":
        headers = response.headers.copy()
        # Some clients would decompress the empty body. RFC 9110, 15.4.5: what describes the content is left out.
        for name in (hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING):
            headers.pop(name, None)
        response = web.Response(status=304, headers=headers)
    response.headers[hdrs.ETAG] = f'"{tag}"'
    return response


def content_response(content: bytes, content_type: str) -> web.Response:
    """Return `content` with status 200. Text and SVG are declared as UTF-8."""
    charset = "utf-8" if content_type.startswith(("text/", "image/svg")) else None
    return web.Response(body=content, content_type=content_type, charset=charset)
