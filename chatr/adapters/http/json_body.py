"""Strict JSON for request bodies: one shallow object in UTF-8 that no two parsers can read differently."""

import json
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from chatr.adapters.http.error_catalogue import INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, HttpError, http_error
from chatr.domain.limits import Limits
from chatr.domain.rule import Rule, RuleViolated

MAX_DEPTH: Final = 16
"""The most levels of nested objects and arrays, the outermost included."""
DIGITS: Final = re.compile("[0-9]{1,18}")
LARGEST_NUMBER: Final = 2**53
"""Beyond it JavaScript's numbers are no longer exact, so a client and a server could mean different ones."""

TOO_DEEP_OR_LARGE: Final = f"it is nested deeper than {MAX_DEPTH}, or has a number beyond 2^53"


async def read_object(request: web.BaseRequest, example: str = "") -> dict[str, Any]:
    """Return the JSON object in the request's body. Raises HttpError: 415 for another media type, 400 for bad JSON.

    The error for bad JSON ends with `example`, a body that would be right.
    """
    # A page of another site can send forms and text/plain without a preflight, but not application/json.
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise http_error(UNSUPPORTED_MEDIA_TYPE)
    return parse(await request.read(), example)


async def read_optional_object(request: web.BaseRequest) -> dict[str, Any]:
    """Return the JSON object in the request's body; an empty one if there is no body. Raises as `read_object`."""
    return await read_object(request) if await request.read() else {}


def parse(raw: bytes, example: str = "") -> dict[str, Any]:
    """Return the JSON object in `raw`. Raises HttpError, whose sentence ends with `example`."""
    if not raw.strip():
        raise invalid_json("it is empty", example)
    try:
        # msgspec rejects invalid UTF-8, lone surrogates, NaN and Infinity, all of which Python's own parser accepts.
        value = msgspec.json.decode(raw)
        if not isinstance(value, dict):
            raise invalid_json("it is not an object", example)
        if too_deep_or_large(value, MAX_DEPTH):
            raise invalid_json(TOO_DEEP_OR_LARGE, example)
        # Only Python's parser shows duplicate keys. It runs last: the depth is known to be harmless by now.
        UNIQUE_KEYS.decode(raw.decode())
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid_json(str(error), example) from error
    except RecursionError as error:
        # msgspec has no limit for depth: 16 KiB of "[" reach the interpreter's recursion limit.
        raise invalid_json(TOO_DEEP_OR_LARGE, example) from error
    return value


def invalid_json(reason: str, example: str = "") -> HttpError:
    """Return the 400 error with the reason in its sentence, and an example of a right body."""
    return http_error(INVALID_JSON, reason=f"{reason}. Send {example}" if example else reason)


def too_deep_or_large(value: object, depth: int) -> bool:
    """Return whether `value` is nested deeper than `depth` or contains a number beyond LARGEST_NUMBER."""
    match value:
        case dict():
            # The limit also ends this recursion, before Python does so with an error.
            return depth == 0 or any(too_deep_or_large(each, depth - 1) for each in value.values())
        case list():
            return depth == 0 or any(too_deep_or_large(each, depth - 1) for each in value)
        case int() | float():
            return abs(value) > LARGEST_NUMBER
        case _:
            return False


def unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of these pairs. Raises ValueError where a key comes twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("it has a duplicate key")
    return value


UNIQUE_KEYS: Final = json.JSONDecoder(object_pairs_hook=unique_keys)


def text_field(body: Mapping[str, Any], name: str, rule: Rule[Any]) -> str:
    """Return a required text field. Raises RuleViolated with `rule` where it is missing or no text."""
    value = body.get(name)
    if not isinstance(value, str):
        raise RuleViolated(rule, Limits(), {})
    return value


def optional_text_field(body: Mapping[str, Any], name: str, rule: Rule[Any]) -> str | None:
    """Return a text field, or None where it is missing or null. Raises RuleViolated with `rule` where it is no text."""
    return None if body.get(name) is None else text_field(body, name, rule)


def misspelt_field(body: Mapping[str, Any], field: str, spellings: Container[str]) -> str | None:
    """Return the name of a field that should have been `field`, or None.

    `spellings` are in small letters and without separators. Fields that are null are ignored.
    """
    plain = {name: name.lower().replace("_", "").replace("-", "") for name, value in body.items() if value is not None}
    return next((name for name, form in plain.items() if form in spellings and name != field), None)


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Return a field that is true or false; false where it is missing or null. Raises HttpError (400)."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid_json(f"{name} must be true or false")
    return bool(value)


def clamped_number(body: Mapping[str, Any], name: str, default: int, minimum: int, maximum: int) -> int:
    """Return a field that is a number or its digits, moved into `minimum`..`maximum`; `default` for all else."""
    value = body.get(name)
    if isinstance(value, str) and DIGITS.fullmatch(value):
        value = int(value)
    # To Python, True is the number 1.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return min(max(int(value), minimum), maximum)


def optional_number_field(body: Mapping[str, Any], name: str, default: int, rule: Rule[Any]) -> int:
    """Return a field that is a whole number, or `default` where it is missing or null.

    Raises RuleViolated with `rule` where it is something else.
    """
    value = body.get(name)
    if value is None:
        return default
    # JSON has one type of numbers: 60.0 is a whole one. To Python, True is the number 1.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise RuleViolated(rule, Limits(), {})
    return int(value)
