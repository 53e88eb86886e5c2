"""Exceptions as HTTP error responses. All of them have one form: JSON with `success`, `error`, `code` and details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from chatr.adapters.http.error_catalogue import (
    BAD_REQUEST,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    INTERNAL_ERROR,
    JSON,
    METHOD_NOT_ALLOWED,
    MOLTBOOK_TIMEOUT,
    MOLTBOOK_UNAVAILABLE,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    PROBLEM,
    STATUS,
    STORAGE_UNAVAILABLE,
    STORE_RETRY_SECONDS,
    ErrorType,
    HttpError,
    http_error,
)
from chatr.adapters.http.headers import ALLOWED_REQUEST_HEADERS, DEFAULT_HEADERS, response_head
from chatr.domain.rule import Kind, RuleViolated
from chatr.node.command_handler import Overloaded
from chatr.ports import LogUnavailable, MoltbookUnavailable, OutcomeUnknown

MAX_LOGGED_PATH: Final = 200
"""Characters of a path that are logged. A client may send 8 KiB, and could fill the operator's disk."""

log = structlog.get_logger()


def error_response(request: web.BaseRequest, error: Exception) -> web.Response:
    """Return the response to a request whose handling raised `error`. Only errors inside chatr are logged."""
    response_error = as_http_error(error)
    # A CORS preflight asks for the methods of a path. The error 405 has them in its Allow header.
    if response_error.status == METHOD_NOT_ALLOWED.status and request.method == hdrs.METH_OPTIONS:
        return preflight_response(response_error.headers["Allow"])
    if response_error.code == INTERNAL_ERROR.code:
        log.error("request_failed", path=request.path[:MAX_LOGGED_PATH], exc_info=error)
    return render_error(response_error, accept=request.headers.get("Accept", ""))


def as_http_error(error: Exception) -> HttpError:
    """Return the HTTP error that answers any exception."""
    match error:
        case HttpError():
            return error
        case RuleViolated():
            # `wait` is in milliseconds, for the domain; clients get it as retryAfter.
            details = {name: value for name, value in error.details.items() if name != "wait"}
            return HttpError(ErrorType(STATUS[error.kind], error.code, ""), str(error), details)
        case MoltbookUnavailable():
            error_type = MOLTBOOK_TIMEOUT if error.late else MOLTBOOK_UNAVAILABLE
            return http_error(error_type, headers={"Retry-After": str(STORE_RETRY_SECONDS)})
        case LogUnavailable():
            return http_error(STORAGE_UNAVAILABLE, retryAfter=STORE_RETRY_SECONDS)
        case Overloaded():
            return http_error(OVERLOADED, retryAfter=STORE_RETRY_SECONDS)
        case OutcomeUnknown():
            return http_error(OUTCOME_UNKNOWN, retryAfter=STORE_RETRY_SECONDS)
        case _:
            return from_aiohttp_error(error)


def from_aiohttp_error(error: Exception) -> HttpError:
    """Return the HTTP error for what aiohttp's parser rejects, and an internal error for everything else."""
    match error:
        # The parser has no type of its own for too many headers, only this text.
        case HttpProcessingError() if isinstance(error, LineTooLong) or "Too many headers" in error.message:
            return http_error(HEAD_TOO_LARGE, limit=HEAD_BYTES, closes=True)
        case HttpProcessingError() | web.RequestPayloadError():
            return http_error(BAD_REQUEST, closes=True)
        case _:
            return http_error(INTERNAL_ERROR)


def render_error(error: HttpError, *, accept: str) -> web.Response:
    """Return the error as JSON, or as an RFC 9457 problem where `accept` names that media type."""
    body = error_body(error)
    if is_problem := PROBLEM in accept:
        title = HTTPStatus(error.status).phrase
        body = {"type": f"/docs#{error.code}", "title": title, "status": error.status, "detail": str(error), **body}
    headers = error.headers
    if error.status == STATUS[Kind.UNAUTHENTICATED]:
        # RFC 9110, 15.5.2: a 401 must name a scheme.
        headers["WWW-Authenticate"] = "Bearer"
    if "retryAfter" in error.details:
        headers["Retry-After"] = str(error.details["retryAfter"])
    response = web.Response(
        status=error.status,
        body=msgspec.json.encode(body),
        content_type=PROBLEM if is_problem else JSON,
        headers=headers,
    )
    if error.closes:
        response.force_close()
    return response


def raw_error_response(error: HttpError, more_headers: Mapping[str, str]) -> bytes:
    """Return the response as bytes, for a connection that has sent no whole request head."""
    body = msgspec.json.encode(error_body(error))
    headers = {"Content-Type": JSON, "Content-Length": str(len(body)), **DEFAULT_HEADERS, **more_headers}
    if "retryAfter" in error.details:
        headers["Retry-After"] = str(error.details["retryAfter"])
    return response_head(error.status, headers) + body


def error_body(error: HttpError) -> dict[str, object]:
    """Return the fields of the JSON body."""
    return {"success": False, "error": str(error), "code": error.code, **error.details}


def preflight_response(allow: str) -> web.Response:
    """Return the response to a CORS preflight: `allow` lists the methods of the path."""
    headers = {
        "Allow": allow,
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": ALLOWED_REQUEST_HEADERS,
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers)
