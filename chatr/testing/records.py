"""Events as the records of a log, and a log as the room it makes."""

from collections.abc import Iterable
from typing import TypeVar

from chatr.codec import encode
from chatr.domain.commands import Command
from chatr.domain.decide import Settled, decide
from chatr.domain.events import Event, Record
from chatr.domain.room import Room
from chatr.domain.rule import Refused
from chatr.ports import EventLog
from chatr.testing.secrets import record_id

Log = TypeVar("Log", bound=EventLog)


def recorded(event: Event, room: Room) -> Record:
    """The record that `event` becomes if it is the next to happen in `room`."""
    draft = encode(event, record_id=record_id(room.position + 1), seen=room.position)
    return Record(room.position + 1, draft.id, draft.seen, draft.check_after(room.expected(event)), event)


def happened(events: Iterable[Event]) -> list[Record]:
    """The log in which exactly these events stand; nobody asks whether the rules would have allowed them."""
    room, records = Room(), []
    for event in events:
        records.append(recorded(event, room))
        room.apply(records[-1])
    return records


def accepted(commands: Iterable[Command]) -> list[Record]:
    """The log of a new room after these commands: what is refused or settled leaves no record."""
    room, records = Room(), []
    for command in commands:
        try:
            outcome = decide(room.agent(command.agent), command, room.house)
        except Refused:
            continue
        if not isinstance(outcome, Settled):
            records.append(recorded(outcome, room))
            room.apply(records[-1])
    return records


def folded(records: Iterable[Record]) -> Room:
    room = Room()
    for record in records:
        room.apply(record)
    return room


async def holding(log: Log, records: Iterable[Record]) -> Log:
    """The log, which was empty, with these records in it."""
    room = Room()
    for record in records:
        draft = encode(record.event, record_id=record.id, seen=record.seen)
        await log.append(draft, expected=room.expected(record.event))
        room.apply(record)
    return log
