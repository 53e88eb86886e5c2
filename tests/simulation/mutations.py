# ruff: noqa: SLF001 -- the mistakes replace private methods
"""Mistakes that somebody might make. Each replaces a function of the program, to prove that the simulation notices."""

import asyncio
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

from attrs import evolve, frozen

from chatr import codec
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.resume import ResumePoint, resume_point
from chatr.adapters.http.stream.watcher import Watcher
from chatr.codec import UnreadableRecord, encode
from chatr.domain.commands import Command
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import AgentLeft, Cursor, Event, Record
from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limit
from chatr.domain.room import Room
from chatr.node.command_handler import CommandHandler, Handled
from chatr.past import snapshot
from chatr.past.snapshot import Snapshot
from chatr.ports import Conflict, Draft, OutcomeUnknown, Stored

# The real functions, which are replaced while a mutation is in effect.
append = CommandHandler._append
apply = History.apply
wait = Limit.wait


class AnyRecord(ResumePoint):
    """A place of which no record is compared with the cursor."""

    @property
    def id_line(self) -> bytes:
        """The beginning of every frame."""
        return b""


def draft_in(room: Room, event: Event, commands: CommandHandler) -> Draft:
    """The draft that the command handler would append."""
    stream = room.stream_end(event).stream
    return encode(event, stream=stream, record_id=commands._secrets.record_id(), decided_at_position=room.position)


async def acknowledge_before_commit(commands: CommandHandler, event: Event) -> int:
    """Fold and acknowledge an event before it is known whether it can be stored."""
    room = commands._follower.room
    draft, expected = draft_in(room, event, commands), room.stream_end(event).position
    storing = asyncio.create_task(commands._log.append(draft, expected=expected))
    storing.add_done_callback(asyncio.Task.exception)
    commands._follower._fold_and_notify(
        [draft.at_position(room.position + 1, expected, draft.record_hash_after(expected))]
    )
    return room.position


async def acknowledge_in_doubt(commands: CommandHandler, event: Event) -> int:
    """Acknowledge an event whose append is in doubt."""
    try:
        return await append(commands, event)
    except OutcomeUnknown:
        return commands._follower.room.position


async def publish_before_store(commands: CommandHandler, event: Event) -> int:
    """Notify the listeners before the event is stored."""
    room = commands._follower.room
    draft = draft_in(room, event, commands)
    record = Record(room.position + 1, draft.id, draft.decided_at_position, draft.record_hash_after(0), event)
    for listener in commands._follower._listeners:
        listener.records_folded(room, [record])
    return await append(commands, event)


async def drop_on_conflict(commands: CommandHandler, command: Command) -> Handled:
    """After a conflict, acknowledge the record that was stored instead."""
    room = commands._follower.room
    outcome = decide(room.agent(command.agent), command, room.rule_context)
    if isinstance(outcome, AlreadyRecorded):
        return Handled(outcome.position, already_recorded=True)
    try:
        return Handled(await append(commands, outcome), already_recorded=False)
    except Conflict as conflict:
        return Handled(conflict.position or room.position, already_recorded=True)


async def force_a_stale_decision(commands: CommandHandler, event: Event) -> int:
    """After a conflict, append the same event again instead of deciding again."""
    while True:
        try:
            return await append(commands, event)
        except Conflict as conflict:
            await commands._catch_up_to(conflict.position or await commands._log.head())


def resume_off_by_one(room: Room, cursor: Cursor, max_missed: int | None) -> ResumePoint | str:
    """Leave out the first message after the cursor."""
    point = resume_point(room, cursor, max_missed)
    if isinstance(point, str) or point.next_message == len(room.history.positions):
        return point
    return AnyRecord(cursor, point.next_message + 1)


def repeat_the_last_message(room: Room, cursor: Cursor, max_missed: int | None) -> ResumePoint | str:
    """Send the message at the cursor again."""
    point = resume_point(room, cursor, max_missed)
    return point if isinstance(point, str) or point.next_message == 1 else AnyRecord(cursor, point.next_message - 1)


def ignore_the_fingerprint(room: Room, cursor: Cursor, max_missed: int | None) -> ResumePoint | str:
    """Resume by the position alone, although the record there may be that of another branch."""
    point = resume_point(room, cursor, max_missed)
    return point if isinstance(point, str) else AnyRecord(cursor, point.next_message)


def forget_idempotency_keys(entries: bytes, *_: object) -> bytes:
    """Do not remember the idempotency key of a post."""
    return entries


def count_messages(history: History, record: Record, *about: Any) -> None:
    """Give messages consecutive numbers instead of their positions in the log."""
    apply(history, evolve(record, position=len(history.positions) + 1), *about)


def skip_unknown_types(stored: Stored) -> Record:
    """Fold a record of an unknown type as if nothing had happened."""
    try:
        return codec.decode(stored)
    except UnreadableRecord:
        return Record(
            stored.position,
            stored.id,
            stored.decided_at_position,
            stored.record_hash,
            AgentLeft(AgentId(""), stored.at),
        )


def allow_one_too_many(limit: Limit, times: tuple[int, ...], at: int) -> int:
    """Allow one message more in each window."""
    return wait(Limit(limit.count + 1, limit.window), times, at)


def shorten_the_window(limit: Limit, times: tuple[int, ...], at: int) -> int:
    """Allow the next message 200 ms too soon."""
    return wait(Limit(limit.count, limit.window - 200), times, at)


def lengthen_the_window(limit: Limit, times: tuple[int, ...], at: int) -> int:
    """Reject messages for 200 ms too long."""
    return wait(Limit(limit.count, limit.window + 200), times, at)


class NoLogBringsAClock:
    """Stands for the port of logs that bring a clock, so that each node decides by the clock of its machine."""


def join_later(hub: Hub, watcher: Watcher, backlog: bytes) -> None:
    """Join the fan-out some time after the backlog was written."""
    watcher.write_backlog(backlog)
    asyncio.get_running_loop().call_later(0.01, hub._all.watchers.setdefault, watcher, None)


def join_before_flush(hub: Hub, watcher: Watcher, backlog: bytes) -> None:
    """Join without removing frames from the waiting batch that are part of the backlog."""
    watcher.write_backlog(backlog)
    hub._all.watchers[watcher] = None


def snapshot_without_keys(room: Room) -> Snapshot:
    """Leave idempotency keys out of checkpoints."""
    whole = snapshot.take_snapshot(room)
    return evolve(whole, agents=[evolve(state, keyed_posts=b"") for state in whole.agents])


def drop_nobody(_hub: Hub) -> None:
    """Let watchers stay after the log was replaced: they are sent the new log's messages as if these followed."""


@frozen
class Mutation:
    """Replaces the function with the dotted name `target` by `mistake`."""

    target: str
    mistake: Any

    def in_effect(self) -> AbstractContextManager[Any]:
        """A context in which the mistake is part of the program."""
        return patch(self.target, self.mistake)


MUTATIONS: Final = {
    "acknowledge before commit": Mutation(
        "chatr.node.command_handler.CommandHandler._append", acknowledge_before_commit
    ),
    "acknowledge in doubt": Mutation("chatr.node.command_handler.CommandHandler._append", acknowledge_in_doubt),
    "publish before store": Mutation("chatr.node.command_handler.CommandHandler._append", publish_before_store),
    "drop on conflict": Mutation("chatr.node.command_handler.CommandHandler.handle", drop_on_conflict),
    "force a stale decision": Mutation("chatr.node.command_handler.CommandHandler._append", force_a_stale_decision),
    "resume off by one": Mutation("chatr.adapters.http.stream.endpoint.resume_point", resume_off_by_one),
    "repeat the last message": Mutation("chatr.adapters.http.stream.endpoint.resume_point", repeat_the_last_message),
    "ignore the fingerprint": Mutation("chatr.adapters.http.stream.endpoint.resume_point", ignore_the_fingerprint),
    "forget idempotency keys": Mutation("chatr.domain.keyed_posts.with_post", forget_idempotency_keys),
    "count messages": Mutation("chatr.domain.history.History.apply", count_messages),
    "skip unknown types": Mutation("chatr.fold.decode", skip_unknown_types),
    "allow one too many": Mutation("chatr.domain.limits.Limit.wait", allow_one_too_many),
    "shorten the window": Mutation("chatr.domain.limits.Limit.wait", shorten_the_window),
    "lengthen the window": Mutation("chatr.domain.limits.Limit.wait", lengthen_the_window),
    "decide by the machine's clock": Mutation("chatr.app.BringsClock", NoLogBringsAClock),
    "join later": Mutation("chatr.adapters.http.stream.hub.Hub.join", join_later),
    "join before flush": Mutation("chatr.adapters.http.stream.hub.Hub.join", join_before_flush),
    "leave keys out of checkpoints": Mutation("chatr.past.checkpoint.take_snapshot", snapshot_without_keys),
    "drop nobody": Mutation("chatr.adapters.http.stream.hub.Hub.drop_all", drop_nobody),
}
