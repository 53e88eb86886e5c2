"""POSITION or TIME, as the commands take them, and the room as it was then."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from chatr.adapters.system import SystemClock
from chatr.cli.progress import progress
from chatr.domain.room import Room
from chatr.past import Moment, Time, position_of, room_at, time_of
from chatr.ports import LogReader

POSITION: Final = re.compile("[0-9]{1,18}")
FORMS: Final = "POSITION|TIME"
TOLD: Final = (
    "TIME is ISO 8601, in UTC unless it names a zone: 2026-01-31T12:00. It means the last record that is not later."
)


@frozen
class Then:
    """The room as it was, and what its clock showed."""

    room: Room
    at: int


def moment(text: str) -> Moment:
    """Digits alone are a position; a date alone is its midnight."""
    if POSITION.fullmatch(text):
        return int(text)
    try:
        time = datetime.fromisoformat(text)
        return Time.of(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(
            f"{text!r} is neither a position, such as 1042, nor a time, such as 2026-01-31T12:00"
        ) from error


def position(text: str) -> int:
    """That of a record."""
    if not POSITION.fullmatch(text) or not int(text):
        raise ArgumentTypeError(f"{text!r} is no position of a record, such as 1042")
    return int(text)


async def room_then(log: LogReader, moment: Moment | None) -> Then:
    """At a position the clock shows the time of the record there; without a moment it shows what it shows now."""
    position = await find(log, moment)
    with progress("replaying", position) as reached:
        room = await room_at(log, position, reached)
    return Then(room, await clock(log, moment))


async def find(log: LogReader, moment: Moment | None) -> int:
    """The position of a moment. Raises NoSuchMoment."""
    with progress("searching", await log.head()) as reached:
        return await position_of(log, moment, reached)


async def clock(log: LogReader, moment: Moment | None) -> int:
    match moment:
        case None:
            return SystemClock().now()
        case Time():
            return moment.at
        case _:
            return await time_of(log, moment)
