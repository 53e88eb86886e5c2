"""Parsing of query parameters. Parameters that an endpoint does not know are ignored."""

import re
from datetime import datetime
from typing import Final

from aiohttp import web

from chatr.adapters.http.error_catalogue import INVALID_CURSOR, http_error
from chatr.adapters.http.time_errors import INVALID_MOMENT, INVALID_RANGE, INVALID_SINCE, INVALID_UNTIL
from chatr.domain.events import Cursor
from chatr.domain.limits import END_OF_CALENDAR, SECOND
from chatr.past.replay import Moment, Timestamp

# Only ASCII digits: \d and int() would also take those of other scripts, signs, spaces and underscores.
ID: Final = re.compile("[0-9]{1,18}")
"""A message id or a position: 18 digits always fit into the 64 bits of the stores."""
LOG_CURSOR: Final = re.compile("([0-9]{1,18})-([0-9a-f]{8})")
"""A place in the log: a position and the fingerprint of its record."""
DATE_TIME: Final = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
"""ISO 8601 as in RFC 3339: a time without a zone would mean something else on each machine."""
NUMBER: Final = re.compile("-?[0-9]{1,4000}")
"""int() raises ValueError for more than 4,300 digits, which would be answered as an internal error."""


def log_cursor(text: str) -> Cursor | None:
    """Return the cursor that `text` is, None where it is none. The log need not have it."""
    match = LOG_CURSOR.fullmatch(text)
    return Cursor(int(match[1]), match[2]) if match else None


def cursor(request: web.BaseRequest, *parameters: str) -> int | None:
    """Return the message id in the first of these query parameters that is given, None without any.

    Raises HttpError (400) if one of them is no message id, the later ones included.
    """
    ids = [message_id(request.query[each], each) for each in parameters if each in request.query]
    return ids[0] if ids else None


def message_id(text: str, parameter: str) -> int:
    """Return the message id in `text`. Raises HttpError (400) that names `parameter`."""
    if ID.fullmatch(text) is None:
        raise http_error(INVALID_CURSOR, parameter=parameter)
    return int(text)


def moment(request: web.BaseRequest) -> Moment:
    """Return the position or the time in the query. Raises HttpError (400) unless exactly one is given and valid."""
    given = [(name, request.query[name]) for name in ("position", "time") if name in request.query]
    # Both at once may contradict each other, and neither is a request for nothing.
    match given:
        case [("position", text)] if ID.fullmatch(text):
            return int(text)
        case [("time", text)] if time := timestamp(text):
            return time
        case _:
            raise http_error(INVALID_MOMENT)


def time_range(request: web.BaseRequest) -> tuple[int | None, int | None]:
    """Return the times `from` and `to` in the query, milliseconds since 1970; None for one that is not given.

    Raises HttpError (400) for what is no time, for `from` without `to`, and unless the first is the earlier one.
    """
    times = {name: timestamp(request.query[name]) for name in ("from", "to") if name in request.query}
    if None in times.values():
        raise http_error(INVALID_RANGE)
    start, end = (None if found is None else found.at for found in (times.get("from"), times.get("to")))
    if start is not None and (end is None or start >= end):
        raise http_error(INVALID_RANGE)
    return start, end


def after_cursor(request: web.BaseRequest) -> int | None:
    """Return the message id in `after`, or else in `since`, an alias that clients of chatr.ai use; None without any.

    Raises HttpError (400) if `after` is no message id.
    """
    is_id = ID.fullmatch(request.query.get("since", ""))
    return cursor(request, "after", "since") if is_id else cursor(request, "after")


def selected_times(request: web.BaseRequest) -> tuple[int | None, int | None]:
    """Return the times in `since` and `until`, milliseconds since 1970, the second one rounded up to a whole second.

    None where none is given, or where `since` is a message id. Raises HttpError (400) for what is no time, or for an
    end that is not later than the start.
    """
    since, until = (request.query.get(name) for name in ("since", "until"))
    start = None if since is None or ID.fullmatch(since) else timestamp(since)
    end = None if until is None or ID.fullmatch(until) else timestamp(until)
    if since is not None and start is None and not ID.fullmatch(since):
        raise http_error(INVALID_SINCE)
    if until is not None and (end is None or (start is not None and end.at <= start.at)):
        raise http_error(INVALID_UNTIL)
    return None if start is None else start.at, None if end is None else -(-end.at // SECOND) * SECOND


def timestamp(text: str) -> Timestamp | None:
    """Return the time in `text`, milliseconds since 1970 or ISO 8601, or None where it is neither.

    None also before 1970 and after the year 9999, which the log's times cannot be in.
    """
    try:
        found = Timestamp(int(text)) if ID.fullmatch(text) else iso_time(text)
    except ValueError:  # the form is right, but there is no such day or hour
        return None
    return found if found is not None and 0 <= found.at < END_OF_CALENDAR else None


def iso_time(text: str) -> Timestamp | None:
    """Return the time in ISO 8601 that `text` is, None if it has another form. Raises ValueError for no such day."""
    return Timestamp.of(datetime.fromisoformat(text)) if DATE_TIME.fullmatch(text) else None


def number(request: web.BaseRequest, parameter: str, default: int, maximum: int, *, minimum: int = 1) -> int:
    """Return a whole number in the query, moved into `minimum`..`maximum`; `default` where it is none or missing."""
    text = request.query.get(parameter, "")
    return min(max(int(text), minimum), maximum) if NUMBER.fullmatch(text) else default
