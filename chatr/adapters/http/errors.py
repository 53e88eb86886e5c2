"""Exceptions as HTTP error responses. All of them have one form: JSON with `success`, `error`, `code` and details."""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

import structlog
from aiohttp import HttpVersion10, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from chatr.adapters.http import json_rpc
from chatr.adapters.http.error_catalogue import (
    ALTERED_RETRY_SECONDS,
    BAD_REQUEST,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    INTERNAL_ERROR,
    JSON,
    LOG_ALTERED,
    METHOD_NOT_ALLOWED,
    MOLTBOOK_TIMEOUT,
    MOLTBOOK_UNAVAILABLE,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    PROBLEM,
    REQUEST_RATE_LIMITED,
    STATUS,
    STORAGE_UNAVAILABLE,
    STORE_RETRY_SECONDS,
    HttpError,
    http_error,
)
from chatr.adapters.http.error_type import ErrorType
from chatr.adapters.http.headers import (
    ALLOWED_MCP_HEADERS,
    ALLOWED_REQUEST_HEADERS,
    DEFAULT_HEADERS,
    request_id_of,
    response_head,
)
from chatr.adapters.http.json_response import RESPONSE_HEADERS, encode
from chatr.adapters.http.malformed_requests import reason_for
from chatr.adapters.http.observation import ERROR_CODE, ROUTE, loggable_path
from chatr.adapters.http.plain_error_response import HEADS_CACHED, PlainErrorResponse, RenderedError
from chatr.adapters.http.read_errors import LOG_DAMAGED, LOG_UNREADABLE
from chatr.adapters.http.sub_path import BASE_PATH
from chatr.codec import UnreadableRecord
from chatr.domain.rule import Kind, RuleViolated
from chatr.node.command_handler import Overloaded
from chatr.node.not_stored import NotStored
from chatr.ports import (
    CannotOpenLog,
    LogDamaged,
    LogUnavailable,
    MoltbookUnavailable,
    OutcomeUnknown,
    RecordAltered,
)

log = structlog.get_logger()


def error_response(request: web.BaseRequest, error: Exception) -> web.StreamResponse:
    """Return the response to a request whose handling raised `error`, and log failures of chatr and its store."""
    response_error = logged_http_error(request, error)
    is_json_rpc = request.get(ROUTE) == json_rpc.PATH
    # A CORS preflight asks for the methods of a path. The error 405 has them in its Allow header.
    if response_error.status == METHOD_NOT_ALLOWED.status and request.method == hdrs.METH_OPTIONS:
        headers = ALLOWED_MCP_HEADERS if is_json_rpc else ALLOWED_REQUEST_HEADERS
        return preflight_response(response_error.headers["Allow"], headers)
    accept, base_path = request.headers.get("Accept", ""), request.get(BASE_PATH, "")
    return response_with(request, render_error(response_error, base_path, accept=accept, is_json_rpc=is_json_rpc))


def logged_http_error(request: web.BaseRequest, error: Exception) -> HttpError:
    """Return the HTTP error for whatever the handling of a request raised, and log failures of chatr and its store."""
    response_error = as_http_error(error)
    if response_error.code == INTERNAL_ERROR.code:
        log.error("request_failed", path=loggable_path(request.path), request_id=request_id_of(request), exc_info=error)
    elif response_error.status >= INTERNAL_ERROR.status and error is not response_error:
        # Not what chatr itself raises to put a client off, such as while the room starts.
        reason = str(error) or type(error).__name__
        log.warning("request_not_served", code=response_error.code, reason=reason, request_id=request_id_of(request))
    return response_error


def request_refusal(request: web.BaseRequest, limit: str, seconds: int) -> web.StreamResponse:
    """Return the 429 response: `limit` is reached, and the next request may be made in `seconds`."""
    # Not raised, and rendered once for each number of seconds: this is the error that a flood gets.
    is_problem = PROBLEM in request.headers.get("Accept", "")
    accept = PROBLEM if is_problem else ""
    return response_with(request, rendered_refusal(limit, seconds, accept, request.get(BASE_PATH, "")))


@lru_cache(HEADS_CACHED)
def rendered_refusal(limit: str, seconds: int, accept: str, base_path: str) -> RenderedError:
    """Return the 429 error as it is sent."""
    return render_error(http_error(REQUEST_RATE_LIMITED, limit=limit, retryAfter=seconds), base_path, accept=accept)


def error_bytes(error: HttpError, request_id: str, base_path: str, *, accept: str) -> bytes:
    """Return the response to a request for the stream that aiohttp has not read."""
    return render_error(error, base_path, accept=accept).as_bytes(request_id, (), is_api=True, closes=False)


def response_with(request: web.BaseRequest, error: RenderedError) -> web.StreamResponse:
    """Return the response with an error: as bytes where that is possible, because it costs less."""
    request[ERROR_CODE] = error.code
    # HTTP/1.0 announces in its response what it keeps open.
    if request.version != HttpVersion10:
        return PlainErrorResponse(request, error, tuple(request.get(RESPONSE_HEADERS, {}).items()))
    response = web.Response(status=error.status, body=error.body, headers=dict(error.headers))
    if error.closes:
        response.force_close()
    return response


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
        case RecordAltered():
            return http_error(LOG_ALTERED, position=error.position, retryAfter=ALTERED_RETRY_SECONDS)
        case NotStored():
            return http_error(STORAGE_UNAVAILABLE, retryAfter=STORE_RETRY_SECONDS)
        # What is raised below comes from reading: whatever a request stores is stored by a command.
        case LogDamaged() | CannotOpenLog() | UnreadableRecord():
            return http_error(LOG_DAMAGED, retryAfter=ALTERED_RETRY_SECONDS)
        case LogUnavailable():
            return http_error(LOG_UNREADABLE, retryAfter=STORE_RETRY_SECONDS)
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
            return http_error(BAD_REQUEST, reason=reason_for(getattr(error, "message", str(error))), closes=True)
        case _:
            return http_error(INTERNAL_ERROR)


def render_error(error: HttpError, base_path: str, *, accept: str, is_json_rpc: bool = False) -> RenderedError:
    """Return the error as JSON, or as an RFC 9457 problem where `accept` names that media type.

    The type of a problem is a place on the page of endpoints, which the client finds below `base_path`. With
    `is_json_rpc` it is a JSON-RPC error: clients of MCP drop the reason of any other.
    """
    body = error_body(error)
    if is_problem := PROBLEM in accept and not is_json_rpc:
        title = HTTPStatus(error.status).phrase
        problem = {"type": f"{base_path}/docs#{error.code}", "title": title, "status": error.status}
        body = {**problem, "detail": str(error), **body}
    if is_json_rpc:
        body = json_rpc.error_body(None, json_rpc.HTTP_ERROR, str(error), {"code": error.code, **error.details})
    headers = dict(error.headers)
    if error.status == STATUS[Kind.UNAUTHENTICATED]:
        # RFC 9110, 15.5.2: a 401 must name a scheme.
        headers["WWW-Authenticate"] = "Bearer"
    if "retryAfter" in error.details:
        headers["Retry-After"] = str(error.details["retryAfter"])
    headers[hdrs.CONTENT_TYPE] = PROBLEM if is_problem else JSON
    return RenderedError(error.code, error.status, tuple(headers.items()), encode(body), error.closes)


def raw_error_response(error: HttpError, more_headers: Mapping[str, str]) -> bytes:
    """Return the response as bytes, for a connection that has sent no whole request head."""
    body = encode(error_body(error))
    headers = {"Content-Type": JSON, "Content-Length": str(len(body)), **DEFAULT_HEADERS, **more_headers}
    if "retryAfter" in error.details:
        headers["Retry-After"] = str(error.details["retryAfter"])
    return response_head(error.status, headers) + body


def error_body(error: HttpError) -> dict[str, object]:
    """Return the fields of the JSON body."""
    return {"success": False, "error": str(error), "code": error.code, **error.details}


def preflight_response(allow: str, allowed_headers: str) -> web.Response:
    """Return the response to a CORS preflight: `allow` lists the methods of the path."""
    headers = {
        "Allow": allow,
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": allowed_headers,
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers)
