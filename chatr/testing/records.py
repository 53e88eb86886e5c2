"""Make records of events or commands, a room of records, and a log that holds them."""

from collections.abc import Iterable
from typing import TypeVar

from chatr.codec import encode
from chatr.domain.commands import Command
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import Event, Record
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.ports import Draft, EventLog
from chatr.testing.secrets import record_id

Log = TypeVar("Log", bound=EventLog)


def next_record(event: Event, room: Room) -> Record:
    """The record that `event` becomes if it is the next one in `room`."""
    position, end = room.position + 1, room.stream_end(event)
    draft = encode(event, stream=end.stream, record_id=record_id(position), decided_at_position=room.position)
    return Record(position, draft.id, draft.decided_at_position, draft.record_hash_after(end.position), event)


def draft_of(event: Event, *, record_id: str, decided_at_position: int = 0) -> Draft:
    """The draft of `event` for the stream that it belongs to."""
    stream = Room().stream_end(event).stream
    return encode(event, stream=stream, record_id=record_id, decided_at_position=decided_at_position)


def records_of(events: Iterable[Event]) -> list[Record]:
    """The records of a log that consists of these events. No rule is checked."""
    room, records = Room(), []
    for event in events:
        records.append(next_record(event, room))
        room.apply(records[-1])
    return records


def records_after(commands: Iterable[Command]) -> list[Record]:
    """The records of a new log after these commands. Commands that are rejected or need no event leave none."""
    room, records = Room(), []
    for command in commands:
        try:
            outcome = decide(room.agent(command.agent), command, room.rule_context)
        except RuleViolated:
            continue
        if not isinstance(outcome, AlreadyRecorded):
            records.append(next_record(outcome, room))
            room.apply(records[-1])
    return records


def folded_room(records: Iterable[Record]) -> Room:
    """The room that is folded from these records."""
    room = Room()
    for record in records:
        room.apply(record)
    return room


async def log_with(log: Log, records: Iterable[Record]) -> Log:
    """Append records to an empty log, and return it."""
    room = Room()
    for record in records:
        draft = draft_of(record.event, record_id=record.id, decided_at_position=record.decided_at_position)
        await log.append(draft, expected=room.stream_end(record.event).position)
        room.apply(record)
    return log
