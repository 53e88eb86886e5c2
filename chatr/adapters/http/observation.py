"""What is observed of requests: counts for the metrics, the access log, and debug lines about refusals.

A server that needs none of them has no `Observation`, and no call is made for a request.
"""

import re
from collections.abc import Callable
from time import perf_counter
from typing import Final, Protocol

import structlog
from aiohttp import hdrs, web
from attrs import evolve, frozen

from chatr.adapters.http import json_rpc
from chatr.adapters.http.headers import forwarded_for, request_id_of
from chatr.domain.keys import PREFIX

ROUTE: Final = web.RequestKey("route", str)
"""Key of the request under which the dispatcher leaves the path of its route, a template."""
ERROR_CODE: Final = web.RequestKey("error_code", str)
"""Key of the request under which the code of its error response is left."""
FIRST_ERROR: Final = 400
"""The smallest status of an error."""
OTHER: Final = "other"
"""The route of all requests that have none: labels and lines must not grow with the paths that strangers invent."""
MAX_LOGGED_PATH: Final = 200
"""Characters of a path that are logged. A client may send 8 KiB, and could fill the operator's disk."""
MAX_LOGGED_METHOD: Final = 20
LIKE_A_KEY: Final = re.compile(f"{PREFIX}[0-9A-Za-z]{{8,}}")
"""A key, or a part of one: clients put theirs into paths by mistake."""

log = structlog.get_logger()


class RequestMetrics(Protocol):
    """Counts requests. `chatr.adapters.metrics` implements it."""

    def request_answered(self, route: str, seconds: float) -> None:
        """Count a request of `route` that was answered after `seconds`."""
        ...

    def request_refused(self, code: str) -> None:
        """Count an error response."""
        ...


@frozen
class Answer:
    """A response as it is logged. `size` is that of its body in bytes; a stream is logged when it begins."""

    method: str
    route: str
    path: str
    status: int
    code: str | None
    seconds: float
    size: int
    request_id: str
    address: str


class Observation:
    """Counts and logs responses.

    `address_of` returns the address that a peer and its X-Forwarded-For are counted as. With `access_log` each request
    is a line, with `log_refusals` each error response is one at level debug.
    """

    def __init__(
        self,
        metrics: RequestMetrics | None,
        address_of: Callable[[str, str], str],
        *,
        access_log: bool,
        log_refusals: bool,
    ) -> None:
        self._metrics = metrics
        self._address_of = address_of
        self._access_log = access_log
        self._log_refusals = log_refusals

    def answered(self, request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> None:
        """Observe the response to a request that aiohttp has read."""
        route = request.get(ROUTE, OTHER)
        # Asked for what it has not, a request is slow: see `request_id_of`. MCP has the errors of tools in results.
        code = request.get(ERROR_CODE) if response.status >= FIRST_ERROR or route == json_rpc.PATH else None
        if self._counted(route, code, seconds):
            size, request_id = body_size(request, response), request_id_of(request)
            address = self._address_of(request.remote or "", forwarded_for(request))
            self._write(
                Answer(request.method, route, request.path, response.status, code, seconds, size, request_id, address)
            )

    def stream_answered(self, answer: Answer, forwarded_for: str) -> None:
        """Observe the response to a request that aiohttp has not read. Its address is still that of the peer."""
        if self._counted(answer.route, answer.code, answer.seconds):
            self._write(evolve(answer, address=self._address_of(answer.address, forwarded_for)))

    def connection_refused(self, code: str, peer: str, request_id: str | None = None) -> None:
        """Observe an error that was sent on a connection without a request."""
        if self._metrics is not None:
            self._metrics.request_refused(code)
        if self._log_refusals:
            address = truncated(self._address_of(peer, ""))
            log.debug("connection_refused", code=code, request_id=request_id, address=address)

    def _counted(self, route: str, code: str | None, seconds: float) -> bool:
        """Count a response, and return whether it is logged."""
        if self._metrics is not None:
            self._metrics.request_answered(route, seconds)
            if code is not None:
                self._metrics.request_refused(code)
        return self._access_log or (self._log_refusals and code is not None)

    def _write(self, answer: Answer) -> None:
        line: dict[str, object] = {"method": answer.method[:MAX_LOGGED_METHOD], "route": answer.route}
        # The template of a known route says enough, and lines that have it can be counted.
        if answer.route == OTHER:
            line["path"] = loggable_path(answer.path)
        line |= {"status": answer.status} | ({"code": answer.code} if answer.code else {})
        identity = {"request_id": answer.request_id, "address": truncated(answer.address)}
        if self._access_log:
            log.info("request_answered", **line, seconds=round(answer.seconds, 6), bytes=answer.size, **identity)
        if self._log_refusals and answer.code is not None:
            log.debug("request_refused", **line, **identity)


def stream_end_logger(request_id: str, address: str) -> Callable[[str], None]:
    """Return the function that logs the end of a stream that begins now, with the reason."""
    began = perf_counter()

    def log_end(reason: str) -> None:
        # Without the bytes: to count them would cost each watcher something at each frame.
        seconds, network = round(perf_counter() - began, 3), truncated(address)
        log.info("stream_ended", reason=reason, seconds=seconds, request_id=request_id, address=network)

    return log_end


def body_size(request: web.BaseRequest, response: web.StreamResponse) -> int:
    """Return the bytes of the body that was sent. A stream has sent none yet."""
    if request.method == hdrs.METH_HEAD:
        return 0
    # Of a response that aiohttp writes, `body_length` counts the head, too.
    return (response.content_length or 0) if isinstance(response, web.Response) else response.body_length


def loggable_path(path: str) -> str:
    """Return the beginning of a path without anything that looks like an API key, its special characters escaped."""
    # The whole path is searched for keys, because half of a key that is cut would look like none.
    without_keys = LIKE_A_KEY.sub("[key]", path)
    return without_keys[:MAX_LOGGED_PATH].encode("unicode_escape").decode()


def truncated(address: str) -> str:
    """Return the /24 of an IPv4 address. IPv6 addresses are counted, and given here, as their /64."""
    network, dot, _ = address.rpartition(".")
    return f"{network}.0/24" if dot and ":" not in address else address
