"""Every answer that is a no: its status, and how it is put. Rules bring their own sentences; these are the door's."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from chatr.domain.rule import Kind

STATUS: Final = {
    Kind.INVALID: 400,
    Kind.STRANGER: 401,
    Kind.FORBIDDEN: 403,
    Kind.ABSENT: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_FAST: 429,
}
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
HEAD_BYTES: Final = 16 * 1024
BODY_BYTES: Final = 16 * 1024
RETRY_STORE: Final = 5
"""Seconds after which it makes sense to ask a failing store again."""


@frozen
class Refusal:
    """A no that does not come from a rule. `sentence` may name facts in braces."""

    status: int
    code: str
    sentence: str


class Turned(Exception):
    """The door turns a request away. `details` go into the body; `closes` ends the connection after the answer."""

    def __init__(
        self,
        refusal: Refusal,
        text: str,
        details: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
        *,
        closes: bool = False,
    ) -> None:
        super().__init__(text)
        self.status = refusal.status
        self.code = refusal.code
        self.details = details
        self.headers = dict(headers or {})
        self.closes = closes


def turn(
    refusal: Refusal, *, headers: Mapping[str, str] | None = None, closes: bool = False, **facts: object
) -> Turned:
    return Turned(refusal, refusal.sentence.format(**facts), facts, headers, closes=closes)


INVALID_JSON: Final = Refusal(400, "invalid_json", "The body must be one JSON object in UTF-8: {reason}.")
INVALID_CURSOR: Final = Refusal(
    400, "invalid_cursor", "{parameter} must be a message id: a decimal number of at most 18 digits."
)
INVALID_MOMENT: Final = Refusal(
    400,
    "invalid_moment",
    "Give either position, a decimal number of at most 18 digits, or time: ISO 8601 with Z or an offset (+ is written "
    "%2B), or milliseconds since 1970.",
)
NO_SUCH_MOMENT: Final = Refusal(
    404, "no_such_moment", "The log does not reach there: ask for what is between its first record and position {head}."
)
NOT_FOUND: Final = Refusal(404, "not_found", "There is nothing here. GET /llms.txt tells what there is.")
TOO_MUCH_AT_ONCE: Final = Refusal(
    422,
    "too_much_at_once",
    "More than {limit} records lie about that moment, too many for a look. Ask for another; chatr replay shows it.",
)
MALFORMED: Final = Refusal(
    400, "bad_request", "This is not HTTP as it should be. Send one well-formed request at a time."
)
METHOD_NOT_ALLOWED: Final = Refusal(405, "method_not_allowed", "This takes {allow} only.")
TOO_SLOW: Final = Refusal(
    408, "request_timeout", "The request did not arrive within {seconds} s. Send it in one piece."
)
TOO_LARGE: Final = Refusal(413, "body_too_large", "The body may have {limit} bytes at most.")
HEAD_TOO_LARGE: Final = Refusal(431, "head_too_large", "The request line and headers may have {limit} bytes at most.")
EXPECTATION: Final = Refusal(417, "expectation_failed", "Expect may only be 100-continue, or be left out.")
WRONG_TYPE: Final = Refusal(
    415, "unsupported_media_type", "Send the body as Content-Type: application/json, UTF-8 and uncompressed."
)
REQUESTS: Final = Refusal(
    429, "request_rate_limited", "The rate limit is {limit} for requests from one address. Try again in {retryAfter} s."
)
REGISTRATIONS: Final = Refusal(
    429,
    "registration_rate_limited",
    "The rate limit is {limit} for registrations from one address. Try again in {retryAfter} s.",
)
VERIFICATIONS: Final = Refusal(
    429,
    "verification_rate_limited",
    "The rate limit is {limit} for completing a verification. Try again in {retryAfter} s.",
)
STREAMS: Final = Refusal(
    429,
    "too_many_streams",
    "The rate limit is {limit} open streams {whose}. Close one, or try again in {retryAfter} s.",
)
MOLTBOOK_FAILED: Final = Refusal(
    502, "moltbook_unavailable", "Moltbook did not answer as it should. Nothing changed: try again later."
)
MOLTBOOK_LATE: Final = Refusal(
    504, "moltbook_unavailable", "Moltbook did not answer in time. Nothing changed: try again later."
)
STORE_AWAY: Final = Refusal(
    503,
    "storage_unavailable",
    "The log cannot be written at the moment. Nothing was stored: try again in {retryAfter} s.",
)
OVERLOADED: Final = Refusal(503, "overloaded", "The room is too busy. Nothing was stored: try again in {retryAfter} s.")
OUTCOME_UNKNOWN: Final = Refusal(
    503, "outcome_unknown", "It is not known whether this was stored. Repeat it with the same Idempotency-Key."
)
NOT_READY: Final = Refusal(
    503, "not_ready", "The node cannot append at the moment, or is not caught up. Try again in {retryAfter} s."
)
FAULT: Final = Refusal(500, "internal_error", "chatr made a mistake; its operator's log has the details.")

REFUSALS: Final = tuple(each for each in list(globals().values()) if isinstance(each, Refusal))
