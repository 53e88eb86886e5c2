"""Decide commands and append the resulting events to the log."""

import asyncio
from contextlib import nullcontext
from typing import Final
from weakref import WeakValueDictionary

import structlog
from attrs import frozen

from chatr.codec import encode
from chatr.domain.commands import Command
from chatr.domain.decide import AlreadyRecorded, decide, existing_record_for
from chatr.domain.events import Event
from chatr.domain.identity import AgentId
from chatr.domain.policy.changing_keys import key_opens_agent
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.node.append_observer import AppendObserver
from chatr.node.follower import Follower
from chatr.node.not_stored import errors_as_not_stored
from chatr.ports import Clock, Conflict, EventLog, LogUnavailable, OutcomeUnknown, Secrets

MAX_ATTEMPTS: Final = 5
"""Appends that are tried for one command. A node that conflicts so often in a row cannot keep up with the others."""

logger = structlog.get_logger()


class Overloaded(Exception):
    """Every attempt to append conflicted with another record. Nothing was stored."""


@frozen
class Handled:
    """The record at `position` is the result of the command; `already_recorded` if it existed before the command."""

    position: int
    already_recorded: bool


class CommandHandler:
    """Decides commands on the follower's room, appends the events, and waits until they are folded."""

    def __init__(self, event_log: EventLog, follower: Follower, clock: Clock, secrets: Secrets) -> None:
        self._log = event_log
        self._follower = follower
        self._clock = clock
        self._secrets = secrets
        # One command of an agent at a time: two of them would always conflict. Weak, so unused locks are removed.
        self._locks: WeakValueDictionary[AgentId, asyncio.Lock] = WeakValueDictionary()
        # In milliseconds of `clock.elapsed()`: when an append last failed; when the pending ones began, by record id.
        self._failed_at: int | None = None
        self._pending: dict[str, int] = {}
        self._time_limits: set[asyncio.Timeout] = set()
        self._stopping = False
        self.last_append = 0  # milliseconds that the append took which ended last
        self.observer = AppendObserver()

    def is_already_recorded(self, command: Command) -> bool:
        """Whether an existing record is the result of `command` already, so that it need not be handled."""
        room = self._follower.room
        return existing_record_for(room.agent(command.agent), command, room.rule_context) is not None

    async def handle(self, command: Command, key_digest: str | None = None, made_for: Room | None = None) -> Handled:
        """Decide `command`, then store and fold the event. `key_digest` is that of the key which authenticated it.

        A command that was `made_for` a room is decided on no other one, where its positions stand for other messages.
        Raises RuleViolated, Overloaded, NotStored or OutcomeUnknown (it may have been stored).
        """
        with errors_as_not_stored():
            async with self._locks.setdefault(command.agent, asyncio.Lock()):
                for _ in range(MAX_ATTEMPTS):
                    try:
                        return await self._attempt(command, key_digest, made_for)
                    except Conflict as conflict:
                        self.observer.append_conflicted()
                        # Not every store knows where the conflicting record is: then catch up with the whole log.
                        await self._catch_up_to(conflict.position or await self._log.head())
        raise Overloaded

    async def _attempt(self, command: Command, key_digest: str | None, made_for: Room | None) -> Handled:
        """Decide the command on the room as it is now, and append the event. Raises Conflict, or as `handle`."""
        if self._stopping:
            raise LogUnavailable("the node stops")
        # Read in each attempt: after a conflict the room holds the conflicting record, or is another one.
        room = self._follower.room
        if self._follower.is_rereading or (made_for or room) is not room:
            raise LogUnavailable("the log was replaced and is being read again")
        agent = room.agent(command.agent)
        # The key may have become void while the command waited, or at another node, which then conflicts.
        if key_digest is not None and not agent.is_opened_by(key_digest, command.at):
            raise RuleViolated(key_opens_agent, room.rule_context.limits, {})
        outcome = decide(agent, command, room.rule_context)
        if isinstance(outcome, AlreadyRecorded):
            return Handled(outcome.position, already_recorded=True)
        return Handled(await self._append(outcome), already_recorded=False)

    async def _append(self, event: Event) -> int:
        """Store `event`, wait until it is folded, and return its position.

        It is awaited by its id: a failover may reuse its position. Raises Conflict, LogUnavailable or OutcomeUnknown.
        """
        room = self._follower.room
        end = room.stream_end(event)
        draft = encode(event, stream=end.stream, record_id=self._secrets.record_id(), decided_at_position=room.position)
        # Before the append, because the record may be folded before `append` returns.
        folded = self._follower.folded_future(draft.id)
        self._pending[draft.id] = self._clock.elapsed()
        try:
            # No limit until the node stops: only the store knows when an append has failed.
            async with asyncio.timeout(None) as time_limit:
                self._time_limits.add(time_limit)
                try:
                    await self._log.append(draft, expected=end.position)
                finally:
                    # `stop_waiting` must not change a time limit that has ended.
                    self._time_limits.discard(time_limit)
            # The stores wake the tail before the appender, so most records are folded by now and need no time-out.
            async with nullcontext() if folded.done() else asyncio.timeout(self._follower.timeouts.fold):
                return await folded
        except TimeoutError as error:
            # Stored, but perhaps in a log that was replaced meanwhile: only folding the record proves that the log that
            # is followed holds it. Not counted as a failed append: readiness waits for the log's head by itself.
            seconds = self._follower.timeouts.fold
            reason = "the node stops" if self._stopping else f"this node has not read its own record within {seconds} s"
            raise OutcomeUnknown(reason) from error
        except (LogUnavailable, OutcomeUnknown) as error:
            self._failed_at = self._clock.elapsed()
            logger.warning("append_failed", reason=str(error))
            raise
        finally:
            self._follower.forget_folded_future(draft.id)
            self.last_append = self._clock.elapsed() - self._pending.pop(draft.id)
            self.observer.append_ended(self.last_append)

    async def _catch_up_to(self, position: int) -> None:
        """Wait until the record that a decision conflicted with is folded. Raises LogUnavailable."""
        try:
            await self._follower.wait_until_folded(position)
        except TimeoutError as error:
            seconds = self._follower.timeouts.fold
            raise LogUnavailable(f"this node has not read the conflicting record within {seconds} s") from error

    def stop_waiting(self) -> None:
        """Let every pending append raise OutcomeUnknown, and later commands LogUnavailable, because the node stops."""
        self._stopping = True
        now = asyncio.get_running_loop().time()
        for time_limit in self._time_limits:
            time_limit.reschedule(now)

    def failed_within(self, milliseconds: int) -> bool:
        """Whether an append failed within the last `milliseconds`."""
        return self._failed_at is not None and self._clock.elapsed() - self._failed_at < milliseconds

    def longest_pending(self) -> int:
        """Milliseconds for which the oldest pending append has been waiting; 0 if none is pending."""
        now = self._clock.elapsed()
        return now - min(self._pending.values(), default=now)
