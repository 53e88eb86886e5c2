# ruff: noqa: SLF001 -- mistakes are made inside
"""Mistakes that somebody might make. Each is planted in the real code, at a named place, to see that it is noticed."""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

from attrs import evolve, frozen

from chatr import codec, kept
from chatr.codec import Unreadable, encode
from chatr.domain import agent
from chatr.domain.commands import Command
from chatr.domain.decide import Settled, decide
from chatr.domain.events import AgentId, AgentLeft, Cursor, Event, Record
from chatr.domain.history import History, Message
from chatr.domain.limits import Limit
from chatr.domain.room import Room
from chatr.hub import Hub
from chatr.kept import Kept
from chatr.node import Handled, Node
from chatr.ports import Conflict, Stored, Unknown
from chatr.watcher import Watcher

append = Node._append
apply = History.apply
since = History.since
wait = Limit.wait


async def acknowledge_before_commit(node: Node, event: Event) -> int:
    """The message is shown and acknowledged; whether it can be stored turns out later."""
    draft, expected = (
        encode(event, record_id=node._secrets.record_id(), seen=node.room.position),
        node.room.expected(event),
    )
    storing = asyncio.create_task(node._log.append(draft, expected=expected))
    storing.add_done_callback(asyncio.Task.exception)
    node._apply([draft.placed(node.room.position + 1, expected, draft.check_after(expected))])
    return node.room.position


async def acknowledge_in_doubt(node: Node, event: Event) -> int:
    """An answer that is lost is taken for a yes."""
    try:
        return await append(node, event)
    except Unknown:
        return node.room.position


async def publish_before_store(node: Node, event: Event) -> int:
    draft = encode(event, record_id=node._secrets.record_id(), seen=node.room.position)
    node._publish([Record(node.room.position + 1, draft.id, draft.seen, draft.check_after(0), event)])
    return await append(node, event)


async def drop_on_conflict(node: Node, command: Command) -> Handled:
    """Whatever was stored instead must be as good."""
    outcome = decide(node.room.agent(command.agent), command, node.room.house)
    if isinstance(outcome, Settled):
        return Handled(outcome.position, settled=True)
    try:
        return Handled(await append(node, outcome), settled=False)
    except Conflict as conflict:
        return Handled(conflict.position or node.room.position, settled=True)


async def force_a_stale_decision(node: Node, event: Event) -> int:
    """After a conflict the same event is appended behind whatever it conflicted with."""
    while True:
        try:
            return await append(node, event)
        except Conflict as conflict:
            await node._see(conflict.position or await node._log.head())


def resume_off_by_one(history: History, cursor: Cursor) -> list[Message] | None:
    missed = since(history, cursor)
    return missed and missed[1:]


def repeat_the_last_one(history: History, cursor: Cursor) -> list[Message] | None:
    missed = since(history, cursor)
    return missed and history.last(len(missed) + 1)


def forget_the_fingerprint(history: History, cursor: Cursor) -> list[Message] | None:
    if history.whole(cursor.position) is None:
        return None
    return history.last(len(history.positions) - bisect_right(history.positions, cursor.position))


def lose_the_idempotency_key(answers: Mapping[str, agent.Answer], *_: object) -> Mapping[str, agent.Answer]:
    return answers


def renumber(history: History, record: Record) -> None:
    """Messages are counted, and their places in the log forgotten."""
    apply(history, evolve(record, position=len(history.positions) + 1))


def skip_on_unknown_type(stored: Stored) -> Record:
    try:
        return codec.decode(stored)
    except Unreadable:
        return Record(stored.position, stored.id, stored.seen, stored.check, AgentLeft(AgentId(""), stored.at))


def one_too_many(limit: Limit, times: tuple[int, ...], at: int) -> int:
    return wait(Limit(limit.count + 1, limit.window), times, at)


def window_too_short(limit: Limit, times: tuple[int, ...], at: int) -> int:
    return wait(Limit(limit.count, limit.window - 200), times, at)


def window_too_long(limit: Limit, times: tuple[int, ...], at: int) -> int:
    return wait(Limit(limit.count, limit.window + 200), times, at)


def join_later(hub: Hub, watcher: Watcher, backlog: bytes) -> None:
    """Something is awaited between the backlog and the fan-out."""
    watcher.begin(backlog)
    asyncio.get_running_loop().call_later(0.01, hub._watchers.setdefault, watcher, None)


def join_before_flush(hub: Hub, watcher: Watcher, backlog: bytes) -> None:
    """What is in the backlog and has yet to be written comes twice."""
    watcher.begin(backlog)
    hub._watchers[watcher] = None


def keep_no_answers(room: Room) -> Kept:
    """A checkpoint that forgets what idempotency keys stand for."""
    whole = kept.keep(room)
    return evolve(whole, agents={each: evolve(one, answers={}) for each, one in whole.agents.items()})


def keep_the_watchers(_hub: Hub) -> None:
    """They are told the messages of another log as though these followed."""


@frozen
class Mutation:
    target: str
    mistake: Any

    def planted(self) -> AbstractContextManager[Any]:
        return patch(self.target, self.mistake)


MUTATIONS: Final = {
    "acknowledge before commit": Mutation("chatr.node.Node._append", acknowledge_before_commit),
    "acknowledge in doubt": Mutation("chatr.node.Node._append", acknowledge_in_doubt),
    "publish before store": Mutation("chatr.node.Node._append", publish_before_store),
    "drop on conflict": Mutation("chatr.node.Node.handle", drop_on_conflict),
    "force a stale decision": Mutation("chatr.node.Node._append", force_a_stale_decision),
    "resume off by one": Mutation("chatr.domain.history.History.since", resume_off_by_one),
    "repeat the last one": Mutation("chatr.domain.history.History.since", repeat_the_last_one),
    "forget the fingerprint": Mutation("chatr.domain.history.History.since", forget_the_fingerprint),
    "lose the idempotency key": Mutation("chatr.domain.agent.remembered", lose_the_idempotency_key),
    "renumber": Mutation("chatr.domain.history.History.apply", renumber),
    "skip on unknown type": Mutation("chatr.node.decode", skip_on_unknown_type),
    "one too many": Mutation("chatr.domain.limits.Limit.wait", one_too_many),
    "window too short": Mutation("chatr.domain.limits.Limit.wait", window_too_short),
    "window too long": Mutation("chatr.domain.limits.Limit.wait", window_too_long),
    "join later": Mutation("chatr.hub.Hub.join", join_later),
    "join before flush": Mutation("chatr.hub.Hub.join", join_before_flush),
    "keep no answers": Mutation("chatr.checkpoint.keep", keep_no_answers),
    "keep the watchers": Mutation("chatr.hub.Hub.cut", keep_the_watchers),
}
