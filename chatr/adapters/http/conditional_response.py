"""Responses with an ETag: a client that has the content already gets 304 without a body (RFC 9110, section 13)."""

from collections.abc import Mapping
from hashlib import sha256

from aiohttp import ETag, web


def conditional_response(
    request: web.BaseRequest, content: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return `content` with status 200, or status 304 if the request's `If-None-Match` names its ETag.

    Text and SVG are declared as UTF-8.
    """
    etag = ETag(sha256(content).hexdigest()[:16])
    # Tags are compared without their W/ prefix: a proxy that compresses turns a strong tag into a weak one.
    if not {etag.value, "*"}.isdisjoint(known.value for known in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    else:
        charset = "utf-8" if content_type.startswith(("text/", "image/svg")) else None
        response = web.Response(body=content, content_type=content_type, charset=charset, headers=headers)
    response.etag = etag
    return response
