"""What stands behind the question mark."""

import re
from typing import Final

from aiohttp import web

from chatr.adapters.http.refusals import INVALID_CURSOR, turn

ID: Final = re.compile("[0-9]{1,18}")
NUMBER: Final = re.compile("-?[0-9]{1,4000}")


def cursor(request: web.Request, *parameters: str) -> int | None:
    """The message id in the first of these query parameters that is given; all that are must be ids. Raises Turned."""
    found = [message_id(request.query[each], each) for each in parameters if each in request.query]
    return found[0] if found else None


def message_id(text: str, parameter: str) -> int:
    if ID.fullmatch(text) is None:
        raise turn(INVALID_CURSOR, parameter=parameter)
    return int(text)


def number(request: web.Request, parameter: str, default: int, most: int, *, least: int = 1) -> int:
    """A whole number from `least` to `most`: clamped, and the default where it is none."""
    text = request.query.get(parameter, "")
    return min(max(int(text), least), most) if NUMBER.fullmatch(text) else default
