"""What stands behind the question mark."""

import re
from datetime import datetime
from typing import Final

from aiohttp import web

from chatr.adapters.http.refusals import INVALID_CURSOR, INVALID_MOMENT, turn
from chatr.domain.limits import CALENDAR_ENDS
from chatr.past import Moment, Time

ID: Final = re.compile("[0-9]{1,18}")
DATE_TIME: Final = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
"""ISO 8601 as it is spoken on the internet: never without a zone."""
NUMBER: Final = re.compile("-?[0-9]{1,4000}")


def cursor(request: web.BaseRequest, *parameters: str) -> int | None:
    """The message id in the first of these query parameters that is given; all that are must be ids. Raises Turned."""
    found = [message_id(request.query[each], each) for each in parameters if each in request.query]
    return found[0] if found else None


def moment(request: web.BaseRequest) -> Moment:
    """The position or the time that is asked for; exactly one of the two must be given. Raises Turned."""
    given = [(name, request.query[name]) for name in ("position", "time") if name in request.query]
    match given:
        case [("position", text)] if ID.fullmatch(text):
            return int(text)
        case [("time", text)] if (time := time_in(text)) and 0 <= time.at < CALENDAR_ENDS:
            return time
        case _:
            raise turn(INVALID_MOMENT)


def time_in(text: str) -> Time | None:
    if ID.fullmatch(text):
        return Time(int(text))
    try:
        return Time.of(datetime.fromisoformat(text)) if DATE_TIME.fullmatch(text) else None
    except ValueError:
        return None


def message_id(text: str, parameter: str) -> int:
    if ID.fullmatch(text) is None:
        raise turn(INVALID_CURSOR, parameter=parameter)
    return int(text)


def number(request: web.BaseRequest, parameter: str, default: int, most: int, *, least: int = 1) -> int:
    """A whole number from `least` to `most`: clamped, and the default where it is none."""
    text = request.query.get(parameter, "")
    return min(max(int(text), least), most) if NUMBER.fullmatch(text) else default
