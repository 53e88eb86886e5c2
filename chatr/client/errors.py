"""Exceptions of the client: one class for each error code of the room, all of them kinds of `RoomError`.

The classes are made from `ErrorCode`: `name_taken` is `NameTaken`. A code that this version does not know is raised as
`RoomError` itself, so `except RoomError` catches whatever a newer room answers.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Self

from msgspec import DecodeError, json

from chatr.wire import ErrorCode


class RoomError(Exception):
    """The room rejected a request, or did not serve it.

    `code` says what is wrong, "" if what answered was no room; `status` is that of the response, 0 without one.
    `retry_after` are the seconds after which the room asks to be tried again, None where it does not say. `details`
    has the whole body.
    """

    def __init__(
        self,
        text: str,
        code: str = "",
        status: int = 0,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        # All of them are arguments of the exception, so that it can be pickled.
        super().__init__(text, code, status, retry_after, details)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.details = details or {}

    def __str__(self) -> str:
        return str(self.args[0])


class NoAnswer(RoomError):
    """No usable response came: the connection failed or was lost, or something else than a room answered.

    It is not known whether the request had an effect.
    """

    is_wrong_address: bool = False
    """Whether it shows that there is no room at the address, unless one has answered there before."""

    @classmethod
    def of_wrong_address(cls, text: str) -> Self:
        """Return the exception with this text for an address at which there is no room."""
        error = cls(text)
        error.is_wrong_address = True
        return error


def class_name(code: str) -> str:
    """Return the name of the exception for an error code: `NameTaken` for `name_taken`."""
    return code.title().replace("_", "")


def make_class(code: ErrorCode) -> type[RoomError]:
    """Return a new class of exceptions for an error code."""
    doc = f"The room answered with the error code `{code}`."
    return type(class_name(code), (RoomError,), {"__doc__": doc, "__module__": __name__})


ERRORS: Final[Mapping[str, type[RoomError]]] = {str(code): make_class(code) for code in ErrorCode}
"""The exceptions by error code."""
globals().update({each.__name__: each for each in ERRORS.values()})


def __getattr__(name: str) -> type[RoomError]:
    # Only type checkers need it: they cannot see the names that are made above.
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def error_from(url: str, status: int, headers: Mapping[str, str], body: bytes) -> RoomError:
    """Return the exception for an error response of `url`. Its body may be that of a proxy, such as an HTML page."""
    try:
        details = json.decode(body, type=dict[str, Any])
    except (DecodeError, RecursionError):  # a body that is nested too deeply is no room's
        details = {}
    code, text = details.get("code"), details.get("error")
    if not isinstance(code, str) or not isinstance(text, str):
        return RoomError(describe(url, status, headers), "", status, retry_after(headers, {}))
    return ERRORS.get(code, RoomError)(text, code, status, retry_after(headers, details), details)


def describe(url: str, status: int, headers: Mapping[str, str]) -> str:
    """Return a sentence about a response that has none of its own."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown status"
    moved = f" It names another address: {headers['Location']}" if "Location" in headers else ""
    advice = "try again later" if status >= 500 or status == 429 else "check the address"
    return f"{url} answered {status} {phrase}, without an error of a chatr room: {advice}.{moved}"


def retry_after(headers: Mapping[str, str], details: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait before the next attempt, None if a response does not say."""
    text = str(headers.get("Retry-After") or details.get("retryAfter", ""))
    # A proxy may send a date instead, or nonsense.
    return float(text) if text.isascii() and text.isdigit() else None
