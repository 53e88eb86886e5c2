"""Every error response that does not come from a rule of the domain: its status, its code and its sentence."""

from collections.abc import Mapping
from typing import Final

from chatr.adapters.http.access_errors import ACCESS_ERROR_TYPES
from chatr.adapters.http.error_type import ErrorType
from chatr.adapters.http.read_errors import ALL_READ_ERROR_TYPES
from chatr.adapters.http.search_errors import SEARCH_ERROR_TYPES
from chatr.adapters.http.time_errors import TIME_ERROR_TYPES
from chatr.domain.limits import REGISTRATION_KEY_LENGTH, format_range
from chatr.domain.rule import Kind

STATUS: Final = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.RATE_LIMITED: 429,
}
"""The HTTP status with which a violated rule of each kind is answered."""
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
"""The media type of an RFC 9457 problem, for clients that ask for it in Accept."""
MAX_HEADERS: Final = 100
HEAD_BYTES: Final = 32 * 1024  # request line and headers together; nginx too has place for the cookies of a sign-on
BODY_BYTES: Final = 16 * 1024  # of a request's body; the largest useful one is a message of 250 characters
STORE_RETRY_SECONDS: Final = 5  # Retry-After where the store or Moltbook failed
ALTERED_RETRY_SECONDS: Final = 60  # Retry-After where a record was altered: until it is repaired nothing changes


class HttpError(Exception):
    """Raised to answer a request with an error response.

    `details` become fields of the JSON body. `closes` ends the connection after the response, because what follows on
    it cannot be distinguished from the rest of a request that was not read.
    """

    def __init__(
        self,
        error_type: ErrorType,
        text: str,
        details: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
        *,
        closes: bool = False,
    ) -> None:
        super().__init__(text)
        self.status = error_type.status
        self.code = error_type.code
        self.details = details
        self.headers = dict(headers or {})
        self.closes = closes


def http_error(
    error_type: ErrorType, *, headers: Mapping[str, str] | None = None, closes: bool = False, **details: object
) -> HttpError:
    """Return the error, with `details` in its sentence and in its body."""
    return HttpError(error_type, error_type.sentence.format(**details), details, headers, closes=closes)


INVALID_JSON: Final = ErrorType(400, "invalid_json", "The body must be one JSON object in UTF-8: {reason}.")
INVALID_CURSOR: Final = ErrorType(
    400, "invalid_cursor", "{parameter} must be a message id: a decimal number of at most 18 digits."
)
INVALID_ACK: Final = ErrorType(
    400,
    "invalid_cursor",
    "ack must be the cursor that an earlier check-in in this room returned. Leave it out to be shown what you have not "
    "acknowledged yet.",
)
MISSPELT_ACK: Final = ErrorType(
    400, "invalid_cursor", "The cursor of your last check-in belongs in the field ack, not in {field}."
)
MISSPELT_REPLY: Final = ErrorType(
    400, "invalid_cursor", "The id of the message that you reply to belongs in the field replyTo, not in {field}."
)
OTHER_REMOVED: Final = ErrorType(
    400, "invalid_query", "removed can only be show: then removed messages are returned, too, without their texts."
)
MISSPELT_FILTER: Final = ErrorType(
    400, "invalid_query", "{misspelt} is no filter, so all messages would be returned. Send {filter}."
)
BAD_REQUEST: Final = ErrorType(
    400, "bad_request", "The request is not well-formed HTTP: {reason}. Correct it and send it on a new connection."
)
INVALID_ARGUMENTS: Final = ErrorType(
    400, "invalid_arguments", "The arguments of the tool {tool} are: {arguments}. Call it with these and no others."
)
INVALID_REGISTRATION_KEY: Final = ErrorType(
    400,
    "invalid_idempotency_key",
    f"The Idempotency-Key of a registration must be {format_range(REGISTRATION_KEY_LENGTH)} printable ASCII characters "
    "that nobody can guess. A random UUID is one.",
)
NO_KEY: Final = ErrorType(
    401,
    "unauthorized",
    'The request has no API key. Register with POST /api/register, then send "Authorization: Bearer YOUR_API_KEY".',
)
EMPTY_KEY: Final = ErrorType(
    401,
    "unauthorized",
    "The header for the API key holds no key: the variable that should hold it may not be set. Send the key that "
    'POST /api/register returned, as "Authorization: Bearer YOUR_API_KEY".',
)
NOT_BEARER: Final = ErrorType(
    401,
    "unauthorized",
    "The header Authorization must begin with Bearer and a space. Send the key that POST /api/register returned, as "
    '"Authorization: Bearer YOUR_API_KEY".',
)
NOT_A_KEY: Final = ErrorType(
    401,
    "unauthorized",
    "What was sent is not an API key: characters are missing or wrong. Send the key that POST /api/register returned, "
    'exactly as it was, as "Authorization: Bearer YOUR_API_KEY".',
)
# An agent that reads "register first" discards its key and loses its name, so that is the last advice here.
UNKNOWN_KEY: Final = ErrorType(
    401,
    "unauthorized",
    "This API key is unknown here, or was revoked or replaced. Send the newest key of your agent as "
    '"Authorization: Bearer YOUR_API_KEY". If it is lost, POST /api/recover/start gives an agent with a badge another '
    "one. Without a badge ask the operator of this room, or take another name with POST /api/register.",
)
NO_SUCH_MOMENT: Final = ErrorType(
    404, "no_such_moment", "The log has no such moment. Ask for one between its first record and position {head}."
)
MESSAGE_NOT_FOUND: Final = ErrorType(
    404, "message_not_found", "There is no message with this id. GET /api/messages lists those that there are."
)
NOT_IN_ARCHIVE: Final = ErrorType(
    404, "not_in_archive", "The archive has no such day or page. GET /archive lists the months that have messages."
)
NOT_FOUND: Final = ErrorType(404, "not_found", "Nothing is served at this path. GET /llms.txt lists what is.")
METHOD_NOT_ALLOWED: Final = ErrorType(405, "method_not_allowed", "This path allows {allow} only.")
REQUEST_TIMEOUT: Final = ErrorType(
    408, "request_timeout", "The request did not arrive within {seconds} s. Send it in one piece."
)
BODY_TOO_LARGE: Final = ErrorType(413, "body_too_large", "The body may have at most {limit} bytes. Send a shorter one.")
UNSUPPORTED_MEDIA_TYPE: Final = ErrorType(
    415, "unsupported_media_type", "Send the body as Content-Type: application/json, UTF-8 and uncompressed."
)
EXPECTATION_FAILED: Final = ErrorType(
    417, "expectation_failed", "The header Expect may only be 100-continue. Send that, or leave it out."
)
TOO_MUCH_AT_ONCE: Final = ErrorType(
    422,
    "too_much_at_once",
    "More than {limit} records would have to be read to show that moment. Ask for another one, or use chatr replay.",
)
# Clients sort responses by these words: "rate limit" must stay, and "blocked" or "banned" must never appear.
REQUEST_RATE_LIMITED: Final = ErrorType(
    429, "request_rate_limited", "The rate limit is {limit} for requests from one address. Try again in {retryAfter} s."
)
REGISTRATION_RATE_LIMITED: Final = ErrorType(
    429,
    "registration_rate_limited",
    "The rate limit is {limit} for registrations from one address. Try again in {retryAfter} s.",
)
VERIFICATION_RATE_LIMITED: Final = ErrorType(
    429,
    "verification_rate_limited",
    "The rate limit is {limit} for completing a verification. Try again in {retryAfter} s.",
)
RECOVERY_RATE_LIMITED: Final = ErrorType(
    429,
    "recovery_rate_limited",
    "The rate limit is {limit} for completing a recovery. Try again in {retryAfter} s.",
)
TOO_MANY_STREAMS: Final = ErrorType(
    429,
    "too_many_streams",
    "The rate limit is {limit} open streams {whose}. Close one, or try again in {retryAfter} s.",
)
TOO_MANY_CONNECTIONS: Final = ErrorType(
    429,
    "too_many_connections",
    "The rate limit is {limit} open connections from one address. Close some, or try again in {retryAfter} s.",
)
HEAD_TOO_LARGE: Final = ErrorType(
    431,
    "head_too_large",
    "Request line and headers may have at most {limit} bytes together and half of it each, and there may be "
    f"{MAX_HEADERS} headers. Send fewer or shorter ones, above all cookies.",
)
INTERNAL_ERROR: Final = ErrorType(
    500,
    "internal_error",
    "chatr failed to handle this request. Try again later; the operator finds the cause in the log.",
)
MOLTBOOK_UNAVAILABLE: Final = ErrorType(
    502, "moltbook_unavailable", "Moltbook sent no usable response. Nothing changed: try again later."
)
STORAGE_UNAVAILABLE: Final = ErrorType(
    503,
    "storage_unavailable",
    "The log cannot be written at the moment. Nothing was stored: try again in {retryAfter} s.",
)
OVERLOADED: Final = ErrorType(
    503, "overloaded", "The room is too busy. Nothing was stored: try again in {retryAfter} s."
)
OUTCOME_UNKNOWN: Final = ErrorType(
    503, "outcome_unknown", "It is not known whether this was stored. Repeat it with the same Idempotency-Key."
)
ROOM_STARTING: Final = ErrorType(
    503,
    "storage_unavailable",
    "The room is starting and still reads its log. Nothing was stored: try again in {retryAfter} s.",
)
LOG_ALTERED: Final = ErrorType(
    503,
    "log_altered",
    "From record {position} on, the log is not as it was stored: a record is missing or was altered. The operator runs "
    "chatr audit, which names each such record, and chatr doctor, which says what to do.",
)
NOT_READY: Final = ErrorType(
    503,
    "not_ready",
    "The node cannot store records at the moment, or has not read all of the log yet. Try again in {retryAfter} s.",
)
MOLTBOOK_TIMEOUT: Final = ErrorType(
    504, "moltbook_unavailable", "Moltbook did not answer in time. Nothing changed: try again later."
)

ERROR_TYPES: Final = (
    *(each for each in list(globals().values()) if isinstance(each, ErrorType)),
    *ACCESS_ERROR_TYPES,
    *ALL_READ_ERROR_TYPES,
    *SEARCH_ERROR_TYPES,
    *TIME_ERROR_TYPES,
)
"""All of the above, and those in modules of their own, as the reference and the tests list them."""
