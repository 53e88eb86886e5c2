"""Error codes and error bodies."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType


class ErrorCode(StrEnum):
    """What is wrong, for programs. A code never changes its meaning; new versions may add codes."""

    # 400: the request is malformed, or a rule does not allow its values.
    BAD_REQUEST = "bad_request"
    CONTAINS_KEY = "contains_key"
    INVALID_ARGUMENTS = "invalid_arguments"
    INVALID_AVATAR = "invalid_avatar"
    INVALID_CONTENT = "invalid_content"
    INVALID_CURSOR = "invalid_cursor"
    INVALID_GRACE = "invalid_grace"
    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    INVALID_JSON = "invalid_json"
    INVALID_MOLTBOOK_NAME = "invalid_moltbook_name"
    INVALID_MOMENT = "invalid_moment"
    INVALID_NAME = "invalid_name"
    INVALID_QUERY = "invalid_query"
    INVALID_RANGE = "invalid_range"
    VERIFICATION_EXPIRED = "verification_expired"
    VERIFICATION_NAME_MISMATCH = "verification_name_mismatch"
    VERIFICATION_NOT_STARTED = "verification_not_started"
    # 401 and 403: the key is missing or unknown, or the agent or the page that asks may not do this.
    UNAUTHORIZED = "unauthorized"
    DENIED = "denied"
    LOCAL_ONLY = "local_only"
    MOLTBOOK_NOT_CLAIMED = "moltbook_not_claimed"
    READING_NEEDS_KEY = "reading_needs_key"
    READ_ONLY = "read_only"
    RECOVERY_BY_OTHER_ACCOUNT = "recovery_by_other_account"
    RECOVERY_IMPOSSIBLE = "recovery_impossible"
    REGISTRATION_CLOSED = "registration_closed"
    REGISTRATION_WAITS = "registration_waits"
    ROOM_CLOSED = "room_closed"
    SUSPENDED = "suspended"
    URLS_NOT_ALLOWED = "urls_not_allowed"
    # 404 and 409: it does not exist, or it contradicts what exists.
    AGENT_NOT_FOUND = "agent_not_found"
    MESSAGE_NOT_FOUND = "message_not_found"
    MOLTBOOK_NOT_FOUND = "moltbook_not_found"
    NO_SUCH_MOMENT = "no_such_moment"
    NOT_FOUND = "not_found"
    NOT_IN_ARCHIVE = "not_in_archive"
    REPLY_NOT_FOUND = "reply_not_found"
    RECOVERY_POST_NOT_FOUND = "recovery_post_not_found"
    VERIFICATION_POST_NOT_FOUND = "verification_post_not_found"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    KEY_USED = "key_used"
    MOLTBOOK_NAME_TAKEN = "moltbook_name_taken"
    NAME_TAKEN = "name_taken"
    OPERATOR_KEY_PENDING = "operator_key_pending"
    # 405, 408, 413, 415, 417, 422 and 431: the server does not process such a request.
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    EXPECTATION_FAILED = "expectation_failed"
    TOO_MUCH_AT_ONCE = "too_much_at_once"
    HEAD_TOO_LARGE = "head_too_large"
    # 429: wait for `retryAfter` seconds.
    KEY_RATE_LIMITED = "key_rate_limited"
    LEAVING_RATE_LIMITED = "leaving_rate_limited"
    MESSAGE_RATE_LIMITED = "message_rate_limited"
    RECOVERY_RATE_LIMITED = "recovery_rate_limited"
    REGISTRATION_RATE_LIMITED = "registration_rate_limited"
    REQUEST_RATE_LIMITED = "request_rate_limited"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    TOO_MANY_STREAMS = "too_many_streams"
    VERIFICATION_RATE_LIMITED = "verification_rate_limited"
    # 500, 502, 503 and 504: the server, its store or Moltbook failed. After `outcome_unknown` a post may be stored.
    INTERNAL_ERROR = "internal_error"
    LOG_ALTERED = "log_altered"
    MOLTBOOK_UNAVAILABLE = "moltbook_unavailable"
    NOT_READY = "not_ready"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OVERLOADED = "overloaded"
    SEARCH_UNAVAILABLE = "search_unavailable"
    STORAGE_UNAVAILABLE = "storage_unavailable"


class ErrorBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of an error response. It may have further fields with details, such as `parameter`."""

    success: Literal[False] = False
    error: Annotated[str, Meta(description="What is wrong and what to do next, in one sentence or two.")]
    code: Annotated[str, Meta(description="What is wrong, for programs. A code never changes its meaning.")]
    # A str and not an ErrorCode: a client must be able to read the codes of a newer server.
    retry_after: (
        Annotated[int, Meta(description="Seconds to wait before the next attempt; with every status 429.")] | UnsetType
    ) = UNSET


class ProblemBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """An error as an RFC 9457 problem: sent to clients that accept `application/problem+json`."""

    type: Annotated[str, Meta(description="An address of the error's description, relative to the server.")]
    title: Annotated[str, Meta(description="The name of the status code.")]
    status: int
    detail: Annotated[str, Meta(description="The same as `error`.")]
    success: Literal[False] = False
    error: str
    code: str
    retry_after: int | UnsetType = UNSET
