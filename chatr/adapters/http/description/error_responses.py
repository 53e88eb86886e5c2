"""Error responses in the OpenAPI document: which an endpoint may return, and examples with their real sentences."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from chatr.adapters.http import access_errors, error_catalogue, read_errors
from chatr.adapters.http.admission.admission import RECOVERY_LIMITS, VERIFICATION_LIMITS, NodeLimits
from chatr.adapters.http.description.examples import ADA, NOW
from chatr.adapters.http.description.route import ErrorSource, Route
from chatr.adapters.http.description.schemas import TEXT, reference
from chatr.adapters.http.error_catalogue import (
    BODY_BYTES,
    HEAD_BYTES,
    JSON,
    PROBLEM,
    STATUS,
    HttpError,
    http_error,
)
from chatr.adapters.http.error_type import ErrorType
from chatr.adapters.http.errors import as_http_error, error_body
from chatr.adapters.http.search_errors import SEARCH_TOO_SLOW
from chatr.domain.agent_keys import OtherKeys
from chatr.domain.commands import Post
from chatr.domain.key_commands import IssueKey
from chatr.domain.limits import ROTATIONS, SECOND, Limits
from chatr.domain.policy import ISSUING_KEYS, MEMBERSHIP, USING_KEYS
from chatr.domain.post_times import TIME
from chatr.domain.rule import Rule, RuleContext, RuleViolated
from chatr.domain.time_index import BLOCK_SIZE
from chatr.past.room_at import MAX_BLOCKS_READ

COMMON_ERRORS: Final[tuple[ErrorSource, ...]] = (
    error_catalogue.BAD_REQUEST,
    access_errors.DENIED,
    access_errors.LOCAL_ONLY,
    error_catalogue.REQUEST_TIMEOUT,
    error_catalogue.BODY_TOO_LARGE,
    error_catalogue.UNSUPPORTED_MEDIA_TYPE,
    error_catalogue.EXPECTATION_FAILED,
    error_catalogue.TOO_MANY_CONNECTIONS,
    error_catalogue.HEAD_TOO_LARGE,
    error_catalogue.INTERNAL_ERROR,
)
"""Errors that every endpoint may return."""
STORE_ERRORS: Final = (
    error_catalogue.STORAGE_UNAVAILABLE,
    error_catalogue.OVERLOADED,
    error_catalogue.OUTCOME_UNKNOWN,
)
"""Errors of every endpoint that appends to the log."""
MOLTBOOK_ERRORS: Final = (error_catalogue.MOLTBOOK_UNAVAILABLE, error_catalogue.MOLTBOOK_TIMEOUT)
"""Errors of every endpoint that asks Moltbook."""
NAMES: Final = {
    error_catalogue.ROOM_STARTING: "room_starting",
    SEARCH_TOO_SLOW: "search_too_slow",
    read_errors.LOG_UNREADABLE: "log_unreadable",
    read_errors.LOG_DAMAGED: "log_damaged",
    read_errors.READ_OVERLOADED: "read_overloaded",
    read_errors.SELECTION_TOO_SLOW: "selection_too_slow",
    read_errors.NAMES_TOO_SLOW: "names_too_slow",
}
"""Names of errors whose codes others have too, with other sentences."""
NOT_A_KEY: Final = (
    error_catalogue.NO_KEY,
    error_catalogue.EMPTY_KEY,
    error_catalogue.NOT_BEARER,
    error_catalogue.NOT_A_KEY,
)
"""Errors of a request without anything that could be a key."""
KEY_ERRORS: Final[tuple[ErrorSource, ...]] = (
    *NOT_A_KEY,
    error_catalogue.UNKNOWN_KEY,
    *USING_KEYS,
    *MEMBERSHIP,
    error_catalogue.NOT_READY,
    # The first use of a new key is stored.
    *STORE_ERRORS,
)
"""Errors of every endpoint that requires a key."""
HEADERS: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
"""The header that error responses with this status have."""
ERROR_TYPE_CODES: Final = {error_type.code for error_type in error_catalogue.ERROR_TYPES}
EXAMPLE_DETAILS: Final = {
    "allow": "GET, HEAD",
    "arguments": "after (required), wait",
    "field": "reply_to",
    "filter": "replyTo",
    "head": 1042,
    "misspelt": "reply_to",
    "parameter": "after",
    "position": 1042,
    "reason": "it has a duplicate key",
    "retryAfter": 42,
    "seconds": 10,
    "tool": "chatr_wait",
    "whose": "from one address",
}
"""Values for the placeholders in the sentences of error types."""


def errors_by_status(route: Route, *, is_private: bool = False) -> dict[int, list[ErrorSource]]:
    """Return all errors that an endpoint may return, each once, grouped by status in ascending order.

    If the room `is_private`, its reading endpoints need a key.
    """
    has_body = any(each.location == "body" for each in route.parameters)
    errors = (
        *COMMON_ERRORS,
        *((error_catalogue.INVALID_JSON,) if has_body else ()),
        *((error_catalogue.REQUEST_RATE_LIMITED,) if route.counts_as_request else ()),
        *(KEY_ERRORS if route.takes_key or route.needs_key(is_private=is_private) else ()),
        *((access_errors.READING_NEEDS_KEY,) if route.shows_room else ()),
        *((access_errors.READ_ONLY,) if route.writes else ()),
        *route.errors,
        *((error_catalogue.ROOM_STARTING,) if route.needs_open_room else ()),
    )
    grouped: defaultdict[int, list[ErrorSource]] = defaultdict(list)
    for error in dict.fromkeys(errors):
        grouped[status_of(error)].append(error)
    return dict(sorted(grouped.items()))


def status_of(error: ErrorSource) -> int:
    """Return the HTTP status of an error."""
    return error.status if isinstance(error, ErrorType) else STATUS[error.kind]


def response_name(errors: Sequence[ErrorSource]) -> str:
    """Return a name for the response with these errors, which have one status: "404.not_found"."""
    return ".".join([str(status_of(errors[0])), *dict.fromkeys(map(error_name, errors))])


def error_name(error: ErrorSource) -> str:
    """Return the code of an error, changed where an error type with other sentences has the same code."""
    if isinstance(error, ErrorType) and error in NAMES:
        return NAMES[error]
    return f"{error.code}_rule" if isinstance(error, Rule) and error.code in ERROR_TYPE_CODES else error.code


def example_error(error: ErrorSource, limits: Limits, node_limits: NodeLimits) -> HttpError:
    """Return an error as a server with these limits returns it to an agent that does not exist."""
    if isinstance(error, Rule):
        return example_violation(error, limits)
    limit = {
        error_catalogue.BODY_TOO_LARGE: BODY_BYTES,
        error_catalogue.HEAD_TOO_LARGE: HEAD_BYTES,
        error_catalogue.REQUEST_RATE_LIMITED: node_limits.requests,
        error_catalogue.REGISTRATION_RATE_LIMITED: node_limits.registrations,
        error_catalogue.VERIFICATION_RATE_LIMITED: VERIFICATION_LIMITS[0],
        error_catalogue.RECOVERY_RATE_LIMITED: RECOVERY_LIMITS[0],
        error_catalogue.TOO_MANY_CONNECTIONS: node_limits.connections,
        error_catalogue.TOO_MANY_STREAMS: node_limits.streams,
        error_catalogue.TOO_MUCH_AT_ONCE: MAX_BLOCKS_READ * BLOCK_SIZE,
    }
    # Only the details that the sentence names: these are the ones that the real error has.
    named = [name for name in EXAMPLE_DETAILS if f"{{{name}}}" in error.sentence]
    details: dict[str, Any] = {name: EXAMPLE_DETAILS[name] for name in named}
    if "{limit}" in error.sentence:
        details["limit"] = str(limit[error])
    return http_error(error, **details)


def example_violation(rule: Rule[Any], limits: Limits) -> HttpError:
    """Return the error of a command that violates `rule`."""
    # An agent whose quotas are used up, so that rules about rates have details to show.
    left, started = (limit.count if limit else 0 for limit in (limits.leaving, limits.verifying))
    post_times = TIME.pack(NOW) * limits.post_times_needed
    keys = OtherKeys(rotated_at=(NOW,) * ROTATIONS.count)
    agent = evolve(ADA, post_times=post_times, left_at=(NOW,) * left, started_at=(NOW,) * started, other_keys=keys)
    issue, post = IssueKey(ADA.id, "", 0, NOW + SECOND), Post(ADA.id, "", NOW + SECOND)
    details = rule.details(agent, issue if rule in ISSUING_KEYS else post, RuleContext(limits))
    return as_http_error(RuleViolated(rule, limits, details))


def error_response(errors: Sequence[HttpError]) -> dict[str, Any]:
    """Return errors of one status as a Response Object: as JSON with an example of each, and as a problem."""
    status, codes = errors[0].status, list(dict.fromkeys(error.code for error in errors))
    # Numbered, because several rules may have one code with different sentences.
    examples = {f"{error.code}.{number}": {"value": error_body(error)} for number, error in enumerate(errors)}
    only_these_codes: Mapping[str, Any] = {"properties": {"code": {"enum": codes}}}
    return {
        "description": "\n".join(error_lines(errors)),
        "headers": {HEADERS[status]: {"schema": TEXT}} if status in HEADERS else {},
        "content": {
            JSON: {"schema": {**reference("ErrorBody"), **only_these_codes}, "examples": examples},
            PROBLEM: {"schema": {**reference("ProblemBody"), **only_these_codes}},
        },
    }


def error_lines(errors: Iterable[HttpError]) -> Iterable[str]:
    """Return a line of Markdown for each error."""
    return (f"- `{error.code}`: {error}" for error in errors)
