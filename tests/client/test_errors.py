"""Exceptions of the client."""

import json
import pickle

import pytest

from chatr.client import NoAnswer, RoomError, errors
from chatr.client.errors import ERRORS, error_from
from chatr.wire import ErrorCode

URL = "http://localhost"
BODY = {"success": False, "error": "Wait.", "code": "message_rate_limited", "retryAfter": 42, "limit": "1 per minute"}


def test_each_code_has_a_class() -> None:
    """There is one class for each error code, by the name of the code, and all are kinds of RoomError."""
    classes = {str(code): getattr(errors, code.title().replace("_", "")) for code in ErrorCode}

    assert classes == ERRORS
    assert len({*classes.values()}) == len(ErrorCode)
    assert all(issubclass(each, RoomError) for each in (*classes.values(), NoAnswer))


def test_a_name_without_a_class_is_an_error() -> None:
    """A misspelt class is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="NameTakn"):
        _ = errors.NameTakn


def test_an_exception_has_what_the_response_says() -> None:
    """Code, status, seconds to wait, sentence and details are there; also after pickling."""
    error = pickle.loads(pickle.dumps(error_from(URL, 429, {}, json.dumps(BODY).encode())))

    assert type(error) is errors.MessageRateLimited
    assert (error.code, error.status, error.retry_after, str(error)) == ("message_rate_limited", 429, 42, "Wait.")
    assert error.details == BODY


def test_a_code_of_a_newer_room_is_a_room_error() -> None:
    """A code that this version does not know is RoomError itself, with that code."""
    error = error_from(URL, 418, {}, b'{"success": false, "error": "Tea.", "code": "is_a_teapot"}')

    assert (type(error), error.code, str(error)) == (RoomError, "is_a_teapot", "Tea.")


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[]", b'{"a":' * 9_999, b"\xff", b'{"error": 1}', b'{"code": "x"}']
)
def test_an_error_of_a_proxy_has_no_code(body: bytes) -> None:
    """An error response that is not that of a room is a RoomError without a code, with a sentence."""
    error = error_from(URL, 502, {"Retry-After": "7"}, body)

    assert (type(error), error.code, error.status, error.retry_after) == (RoomError, "", 502, 7)
    assert str(error) == "http://localhost answered 502 Bad Gateway, without an error of a chatr room: try again later."


@pytest.mark.parametrize("header", ["", "-1", "1.5", "²", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
def test_a_retry_after_that_is_no_number_is_ignored(header: str) -> None:
    """A Retry-After that is a date or nonsense is as none."""
    assert error_from(URL, 503, {"Retry-After": header}, b"").retry_after is None
