"""What caches may do with responses, in one table: each route names one of these, and everything else is `no-store`.

No lifetime is given to what shows the room, so no cache serves a message after it was removed
(docs/decisions/caches.md).
"""

from typing import Final

from aiohttp import hdrs, web
from attrs import frozen

from chatr.adapters.http.conditional_response import conditional
from chatr.adapters.http.json_response import RESPONSE_HEADERS

DOCUMENT_SECONDS: Final = 60
"""Seconds for which caches may store a document. For as long it may show limits that an operator has changed."""


@frozen
class Caching:
    """What caches may do with the successful responses of a route.

    `control` is their Cache-Control. `varies_with` are the request headers on which responses depend, errors included.
    With an ETag, a client that has the content is sent status 304.
    """

    control: str
    varies_with: tuple[str, ...] = ()
    has_etag: bool = False


NO_STORE: Final = "no-store"
KEY_HEADERS: Final = (hdrs.AUTHORIZATION, "X-API-Key")
"""Headers in which a client sends its key."""

NOT_STORED: Final = Caching(NO_STORE)
"""For what depends on the moment, on the address of the client, or on the key."""
NEGOTIATED_AND_NOT_STORED: Final = Caching(NO_STORE, (hdrs.ACCEPT,))
"""As NOT_STORED, for what is sent as text or as JSON."""
# no-cache: caches have to ask the server each time. An agent must find the message that it posted a moment ago.
ASKED_FOR: Final = Caching("no-cache", has_etag=True)
"""For what is the same for everyone until the room changes, or a new version of chatr is started."""
NEGOTIATED: Final = Caching("no-cache", (hdrs.ACCEPT,), has_etag=True)
"""As ASKED_FOR, for what is sent as text or as JSON."""
IN_LANGUAGE: Final = Caching("no-cache", (hdrs.ACCEPT_LANGUAGE,), has_etag=True)
"""As ASKED_FOR, for what is sent in the language of the reader."""
COMPRESSED: Final = Caching("no-cache", (hdrs.ACCEPT_ENCODING,), has_etag=True)
"""As ASKED_FOR, for what is sent compressed or not."""
TRANSLATED: Final = Caching("no-cache", (hdrs.ACCEPT_ENCODING, hdrs.ACCEPT_LANGUAGE), has_etag=True)
"""As COMPRESSED, for what is sent in the language of the reader."""
DOCUMENT: Final = Caching(f"public, max-age={DOCUMENT_SECONDS}", has_etag=True)
"""For documents, which change only when an operator changes the limits."""
# no-transform: a proxy that compresses would buffer frames.
STREAM: Final = Caching("no-cache, no-store, no-transform")


def varying_headers(caching: Caching, *, is_keyed: bool) -> dict[str, str]:
    """Return the header Vary for all responses of a route; they depend on the key if it `is_keyed`."""
    names = (*caching.varies_with, *(KEY_HEADERS if is_keyed else ()))
    return {hdrs.VARY: ", ".join(names)} if names else {}


def private_headers(caching: Caching) -> dict[str, str]:
    """Return the headers for all responses of a route that shows the room, in a private room."""
    # A stream is not stored anyway, and its Cache-Control also has no-transform.
    control = {} if NO_STORE in caching.control else {hdrs.CACHE_CONTROL: NO_STORE}
    return control | varying_headers(caching, is_keyed=True)


def with_caching(request: web.BaseRequest, response: web.StreamResponse, caching: Caching) -> web.StreamResponse:
    """Return a successful response with its Cache-Control, or status 304 if the client has its content already.

    An ETag is made from the content, unless the handler has set one.
    A response whose handler has found that it depends on the key stays `no-store`.
    """
    if caching.control == NO_STORE or response.prepared or hdrs.CACHE_CONTROL in request[RESPONSE_HEADERS]:
        return response
    response.headers[hdrs.CACHE_CONTROL] = caching.control
    has_none = hdrs.ETAG not in response.headers
    if caching.has_etag and has_none and isinstance(response, web.Response) and response.status == 200:
        return conditional(request, response)
    return response
