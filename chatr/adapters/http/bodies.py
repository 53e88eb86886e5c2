"""Strict JSON: what a stranger's program sends is one shallow object in UTF-8, or it is refused."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import web

from chatr.adapters.http.refusals import INVALID_JSON, WRONG_TYPE, Turned, turn
from chatr.domain.limits import Limits
from chatr.domain.rule import Refused, Rule

DEPTH: Final = 16
LARGEST: Final = 2**53
"""Beyond it JavaScript's numbers are no longer exact."""


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has a duplicate key")
    return found


DUPLICATES: Final = json.JSONDecoder(object_pairs_hook=unique)


async def read_object(request: web.BaseRequest) -> dict[str, Any]:
    """The JSON object in the request's body. Raises Turned."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise turn(WRONG_TYPE)
    return parse(await request.read())


def parse(raw: bytes) -> dict[str, Any]:
    """What orjson lets pass is asked for afterwards: duplicate keys, deep nesting, huge numbers."""
    try:
        found = orjson.loads(raw)
        if not isinstance(found, dict):
            raise invalid("it is something else")
        if too_deep_or_large(found, DEPTH):
            raise invalid(f"it is nested deeper than {DEPTH}, or holds a number beyond 2^53")
        DUPLICATES.decode(raw.decode())
    except ValueError as error:
        raise invalid(str(error)) from error
    return found


def invalid(reason: str) -> Turned:
    return turn(INVALID_JSON, reason=reason)


def too_deep_or_large(value: object, depth: int) -> bool:
    match value:
        case dict():
            return depth == 0 or any(too_deep_or_large(each, depth - 1) for each in value.values())
        case list():
            return depth == 0 or any(too_deep_or_large(each, depth - 1) for each in value)
        case int() | float():
            return abs(value) > LARGEST
        case _:
            return False


def text(body: Mapping[str, Any], name: str, rule: Rule[Any]) -> str:
    """A text field that must be there; what is no text breaks the rule for its form. Raises Refused."""
    value = body.get(name)
    if not isinstance(value, str):
        raise Refused(rule, Limits(), {})
    return value


def optional_text(body: Mapping[str, Any], name: str, rule: Rule[Any]) -> str | None:
    return None if body.get(name) is None else text(body, name, rule)
