"""What every answer wears, and the one form of every refusal."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count
from typing import Final
from uuid import uuid4

import orjson
import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from chatr.adapters.http import render
from chatr.adapters.http.refusals import (
    FAULT,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    JSON,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    MOLTBOOK_FAILED,
    MOLTBOOK_LATE,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    PROBLEM,
    RETRY_STORE,
    STATUS,
    STORE_AWAY,
    Refusal,
    Turned,
    turn,
)
from chatr.domain.rule import Kind, Refused
from chatr.node import Overloaded
from chatr.ports import MoltbookUnavailable, Unavailable, Unknown

REQUEST_ID: Final = re.compile("[A-Za-z0-9._-]{1,64}")
SEEN_BY_SCRIPTS: Final = "Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
ASKED_BY_SCRIPTS: Final = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-Id"
WORN: Final = {"X-Content-Type-Options": "nosniff", hdrs.SERVER: "chatr"}
WORN_BY_API: Final = {
    **WORN,
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: SEEN_BY_SCRIPTS,
}
"""By every answer of the API: what it says is open to scripts of any site."""

PROCESS: Final = str(uuid4())[:24]
REQUESTS: Final = count()

log = structlog.get_logger()


def turned(reason: Exception) -> Turned:
    """Whatever went wrong, as an answer."""
    match reason:
        case Turned():
            return reason
        case Refused():
            details = {name: value for name, value in reason.facts.items() if name != "wait"}
            return Turned(Refusal(STATUS[reason.kind], reason.code, ""), str(reason), details)
        case MoltbookUnavailable():
            return turn(MOLTBOOK_LATE if reason.late else MOLTBOOK_FAILED, headers={"Retry-After": str(RETRY_STORE)})
        case Unavailable():
            return turn(STORE_AWAY, retryAfter=RETRY_STORE)
        case Overloaded():
            return turn(OVERLOADED, retryAfter=RETRY_STORE)
        case Unknown():
            return turn(OUTCOME_UNKNOWN, retryAfter=RETRY_STORE)
        case _:
            return turned_by_aiohttp(reason)


def turned_by_aiohttp(reason: Exception) -> Turned:
    match reason:
        case HttpProcessingError() if isinstance(reason, LineTooLong) or "Too many headers" in reason.message:
            return turn(HEAD_TOO_LARGE, limit=HEAD_BYTES, closes=True)
        case HttpProcessingError() | web.RequestPayloadError():
            return turn(MALFORMED, closes=True)
        case _:
            return turn(FAULT)


def raw(reason: Turned) -> bytes:
    """The answer as it goes over the wire where there is no request to answer."""
    body = orjson.dumps(body_of(reason))
    headers = {"Content-Type": JSON, "Content-Length": str(len(body)), "X-Request-Id": request_id()}
    return head(reason.status, {**headers, **WORN, "Connection": "close"}) + body


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The head of an answer as it goes over the wire."""
    lines = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join((f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", "")).encode()


def body_of(reason: Turned) -> dict[str, object]:
    return {"success": False, "error": str(reason), "code": reason.code, **reason.details}


def response(reason: Turned, *, accept: str) -> web.Response:
    """The answer in the form of the contract, or as RFC 9457 where that is asked for."""
    body = body_of(reason)
    if problem := PROBLEM in accept:
        title = HTTPStatus(reason.status).phrase
        body = {"type": f"/docs#{reason.code}", "title": title, "status": reason.status, "detail": str(reason), **body}
    headers = reason.headers
    if reason.status == STATUS[Kind.STRANGER]:
        headers["WWW-Authenticate"] = "Bearer"
    if "retryAfter" in reason.details:
        headers["Retry-After"] = str(reason.details["retryAfter"])
    answer = web.Response(
        status=reason.status, body=orjson.dumps(body), content_type=PROBLEM if problem else JSON, headers=headers
    )
    if reason.closes:
        answer.force_close()
    return answer


def refused(request: web.BaseRequest, reason: Exception) -> web.Response:
    """Whatever went wrong, as an answer; only what is our own fault is logged."""
    told = turned(reason)
    if told.status == METHOD_NOT_ALLOWED.status and request.method == hdrs.METH_OPTIONS:
        return preflight(told.headers["Allow"])
    if told.code == FAULT.code:
        log.error("request_failed", path=request.path[:200], exc_info=reason)
    return response(told, accept=request.headers.get("Accept", ""))


def preflight(allow: str) -> web.Response:
    headers = {
        "Allow": allow,
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": ASKED_BY_SCRIPTS,
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers)


def request_id() -> str:
    """A UUID that no other process gives, and this one only once: to draw each would take as long as to read a body."""
    return f"{PROCESS}{next(REQUESTS):012x}"


def named(asked: str) -> str:
    """The name of an answer: the one that its request brought, if that is plain."""
    return asked if REQUEST_ID.fullmatch(asked) else request_id()


def dress(request: web.BaseRequest, answer: web.StreamResponse) -> None:
    headers = answer.headers
    headers["X-Request-Id"] = named(request.headers.get("X-Request-Id", ""))
    headers.update(WORN_BY_API if request.path.startswith("/api/") else WORN)
    headers.update(request.get(render.HEADERS, {}))
