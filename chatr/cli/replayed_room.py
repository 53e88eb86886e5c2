"""The room at a moment, folded from the first record of its log."""

from attrs import frozen

from chatr.adapters.system import SystemClock
from chatr.cli.offline import Offline, find_offline
from chatr.cli.output.progress import progress
from chatr.codec import decode
from chatr.domain.agent import Agent
from chatr.domain.history import Message, message_from_record
from chatr.domain.removals import Removal, Removals
from chatr.domain.room import Room
from chatr.past.messages_then import last_shown
from chatr.past.replay import Moment, Timestamp, fold_until, position_of, removals_at, time_of
from chatr.ports import MAX_PICK, LogReader


@frozen
class ReplayedRoom:
    """The room as it was at a moment, and the time of that moment in milliseconds since 1970."""

    room: Room
    at: int


async def replay_room(log: LogReader, moment: Moment | None) -> ReplayedRoom:
    """Fold the log up to a moment; None means up to its end, with the time of the system's clock.

    Shows progress. Raises NoSuchMoment.
    """
    position = await find_position(log, moment)
    with progress("replaying", position) as show_position:
        room = await fold_until(log, position, show_position)
    return ReplayedRoom(room, await time_at(log, moment))


async def why_offline(log: LogReader, replayed: ReplayedRoom, agent: Agent) -> Offline | None:
    """Return why an agent is offline in a replayed room; None if it is online."""
    return await find_offline(log, agent, replayed.room.rule_context.limits, replayed.at)


async def redact(log: LogReader, room: Room) -> None:
    """Hide the messages of the room that are hidden at the end of the log, and show the others, as the server does.

    Shows progress.
    """
    head = await log.head()
    with progress("searching removals", head) as show_position:
        removals = await removals_at(log, head, show_position)
    room.history.removals = Removals.of(
        [each for each in removals.by_message.values() if each.message <= room.position], []
    )


async def last_messages(log: LogReader, room: Room, count: int) -> list[tuple[Message, Removal | None]]:
    """Return the last messages that were shown, oldest first; those that were removed later with the removal."""
    history, found = room.history, []
    positions, _ = await last_shown(history, room.position, count)
    for start in range(0, len(positions), MAX_PICK):
        found += await log.pick(positions[start : start + MAX_PICK])
    messages = [message_from_record(decode(stored)) for stored in found]
    return [(message, history.removals.by_message.get(message.cursor.position)) for message in messages]


async def find_position(log: LogReader, moment: Moment | None) -> int:
    """Return the position of the last record at a moment, and show progress. Raises NoSuchMoment."""
    with progress("searching", await log.head()) as show_position:
        return await position_of(log, moment, show_position)


async def time_at(log: LogReader, moment: Moment | None) -> int:
    """Return the time of a moment in milliseconds: the given one, that of the record at a position, or now."""
    match moment:
        case None:
            return SystemClock().now()
        case Timestamp():
            return moment.at
        case _:
            # A position has the time of its record: which agents are online and may post depends on the time.
            return await time_of(log, moment)
