"""The client decides which requests are sent again, and when."""

import pytest

from chatr.client.errors import NoAnswer, RoomError
from chatr.client.rate_limits import RateLimits
from chatr.client.retries import LONGEST_PAUSE, Attempts, Backoff, Request

GET = Request("GET", "/api/messages")
POST = Request("POST", "/api/messages", idempotency_key="answer-1042")
CHECK_IN = Request("POST", "/api/checkin")
START = Request("POST", "/api/verify/start")
REPEATABLE = {
    "GET": GET,
    "a post": POST,
    "registration": Request("POST", "/api/register", idempotency_key="x" * 22),
    "check-in": CHECK_IN,
    "heartbeat": Request("POST", "/api/heartbeat"),
    "disconnect": Request("POST", "/api/disconnect"),
    "rotation of the key": Request("POST", "/api/keys/rotate"),
}
OTHERS = {
    "a post without a key": Request("POST", "/api/messages"),
    "registration without a key": Request("POST", "/api/register"),
    "revocation": Request("POST", "/api/keys/revoke"),
    "verification": START,
}
UNKNOWN = {
    "no answer": NoAnswer("lost"),
    "outcome_unknown": RoomError("?", "outcome_unknown", 503, 5),
    "request_timeout": RoomError("?", "request_timeout", 408),
    "a proxy's 502": RoomError("?", "", 502),
    "a proxy's 500": RoomError("?", "", 500),
}
NOT_SERVED = {
    "message_rate_limited": RoomError("?", "message_rate_limited", 429, 5),
    "a proxy's 429": RoomError("?", "", 429),
    "storage_unavailable": RoomError("?", "storage_unavailable", 503, 5),
    "not_ready": RoomError("?", "not_ready", 503, 5),
    "moltbook_unavailable": RoomError("?", "moltbook_unavailable", 502, 5),
    "of a newer room": RoomError("?", "moved_house", 503, 5),
}
FINAL = {
    "unauthorized": RoomError("?", "unauthorized", 401),
    "a proxy's 401": RoomError("?", "", 401),
    "suspended": RoomError("?", "suspended", 403),
    "name_taken": RoomError("?", "name_taken", 409),
    "internal_error": RoomError("?", "internal_error", 500),
    "log_altered": RoomError("?", "log_altered", 503, 60),
    "a redirect": RoomError("?", "", 301),
}


def is_repeated(request: Request, error: RoomError) -> bool:
    """Return whether the request is sent again within an hour."""
    try:
        return Attempts(request).pause_after(error, 3600) > 0
    except type(error):
        return False


@pytest.mark.parametrize("error", UNKNOWN.values(), ids=UNKNOWN)
def test_a_lost_response_repeats_only_safe_requests(error: RoomError) -> None:
    """If the outcome is unknown, only GETs, requests with an Idempotency-Key and harmless ones are sent again."""
    expected = dict.fromkeys(REPEATABLE, True) | dict.fromkeys(OTHERS, False)

    assert {name: is_repeated(request, error) for name, request in (REPEATABLE | OTHERS).items()} == expected


@pytest.mark.parametrize("error", NOT_SERVED.values(), ids=NOT_SERVED)
@pytest.mark.parametrize("request_", [GET, POST, START])
def test_what_was_not_served_is_sent_again(request_: Request, error: RoomError) -> None:
    """If the room says that it did nothing, every request is sent again."""
    assert is_repeated(request_, error)


@pytest.mark.parametrize("error", FINAL.values(), ids=FINAL)
@pytest.mark.parametrize("request_", [GET, POST, START])
def test_a_rejection_is_raised(request_: Request, error: RoomError) -> None:
    """A permanent error, such as 401, is raised at once."""
    assert not is_repeated(request_, error)


def test_a_wait_beyond_the_limit_is_raised() -> None:
    """The client waits after a 429 if the time limit allows it; otherwise it raises the error at once."""
    error = NOT_SERVED["message_rate_limited"]
    pause = Attempts(POST, Backoff(jitter=lambda: 0)).pause_after(error, 5.1)

    assert pause == 5
    with pytest.raises(RoomError) as raised:
        Attempts(POST).pause_after(error, 4.9)
    assert raised.value is error


def test_pauses_double_up_to_half_a_minute() -> None:
    """Without Retry-After the pause doubles up to 30 s, also after thousands of failures."""
    longest, shortest = Backoff(jitter=lambda: 1), Backoff(jitter=lambda: 0)
    pauses = [(shortest.next_pause(), longest.next_pause()) for _ in range(5_000)]

    assert pauses[:3] == [(0.25, 0.5), (0.5, 1), (1, 2)]
    assert pauses[-1] == (LONGEST_PAUSE / 2, LONGEST_PAUSE)


def test_the_pause_is_not_shorter_than_retry_after() -> None:
    """The random part is added to Retry-After, so the pause is never shorter."""
    shortest, longest = Backoff(jitter=lambda: 0), Backoff(jitter=lambda: 1)

    assert (shortest.next_pause(5), longest.next_pause(5)) == (5, 5.5)


def test_a_used_up_quota_delays_the_next_post() -> None:
    """After a response that says that no message is left, the next post waits; reading does not."""
    limits = RateLimits()
    limits.response_received({"RateLimit": '"messages";r=0;t=42'}, 100)

    assert (limits.pause_before(POST, 102), limits.pause_before(GET, 102), limits.pause_before(POST, 142)) == (40, 0, 0)


@pytest.mark.parametrize("header", ['"messages";r=1;t=42', "", '"messages";r=0', "r=0;t=9", '"messages";r=0;t=-1'])
def test_other_rate_limits_delay_nothing(header: str) -> None:
    """A RateLimit header with messages left, or one that is not understood, delays nothing."""
    limits = RateLimits()
    limits.response_received({"RateLimit": header}, 100)

    assert limits.pause_before(POST, 100) == 0


@pytest.mark.parametrize(
    ("code", "status", "pause"),
    [
        ("request_rate_limited", 429, 20),
        ("overloaded", 503, 20),
        ("", 429, 20),
        ("message_rate_limited", 429, 0),
        ("moltbook_unavailable", 502, 0),
        ("log_altered", 503, 0),
        ("search_unavailable", 503, 0),
    ],
)
def test_some_rejections_delay_all_requests(code: str, status: int, pause: float) -> None:
    """After a rejection that holds for all requests, no request is sent before Retry-After has passed."""
    limits = RateLimits()
    limits.error_received(RoomError("?", code, status, 30), 100)

    assert [limits.pause_before(request, 110) for request in (GET, POST, CHECK_IN)] == [pause] * 3
