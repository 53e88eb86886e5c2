"""Responses with an ETag: a client that has the content already gets 304 without a body (RFC 9110, section 13)."""

from hashlib import sha256

from aiohttp import hdrs, web


def conditional(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Return `response` with its ETag, or status 304 if the request's `If-None-Match` names it."""
    content = response.body
    assert isinstance(content, bytes)
    tag = sha256(content).hexdigest()[:16]
    if has_current_version(request, tag):
        headers = response.headers.copy()
        # Some clients would decompress the empty body. RFC 9110, 15.4.5: what describes the content is left out.
        for name in (hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING):
            headers.pop(name, None)
        response = web.Response(status=304, headers=headers)
    response.headers[hdrs.ETAG] = f'"{tag}"'
    return response


def has_current_version(request: web.BaseRequest, tag: str) -> bool:
    """Return whether the client has the content with this ETag, by the request's `If-None-Match`."""
    # Proxies that compress change tags to W/"…" or "…-gzip", and a list may be in several headers.
    known = ",".join(request.headers.getall(hdrs.IF_NONE_MATCH, ()))
    return tag in known or known.strip() == "*"


def not_modified(tag: str) -> web.Response:
    """Return status 304 for a response that was not made, because its ETag is known without it."""
    return web.Response(status=304, headers={hdrs.ETAG: f'"{tag}"'})


def content_response(content: bytes, content_type: str) -> web.Response:
    """Return `content` with status 200. Text and SVG are declared as UTF-8."""
    charset = "utf-8" if content_type.startswith(("text/", "image/svg")) else None
    return web.Response(body=content, content_type=content_type, charset=charset)
