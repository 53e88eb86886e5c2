"""An operator at a node: finds agents by their names, and lets commands be decided and stored."""

from typing import Any

from attrs import frozen
from msgspec import UNSET

from chatr.admin.replies import Change, Progress
from chatr.domain.agent import Agent
from chatr.domain.commands import Register
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.key_commands import IssueKey, RevokeKey
from chatr.domain.moderation_commands import ModerationCommand
from chatr.domain.policy.moderating import agent_exists
from chatr.domain.room import Room
from chatr.domain.rule import check_rules
from chatr.node.erasing import Erasing
from chatr.node.node import Node
from chatr.ports import Clock, EventLog, Secrets

OperatorCommand = ModerationCommand | IssueKey | RevokeKey | Register


@frozen
class AdminNode:
    """A node and what operators' commands need besides: its log, clock and secrets, and what carries out erasures."""

    node: Node
    log: EventLog
    clock: Clock
    secrets: Secrets
    erasing: Erasing


class RequestRefused(Exception):
    """A request cannot be carried out as it was given. The text is for the operator; `code` is for programs."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@frozen
class Decided:
    """The result of a command: `record` is the position of its record, None if nothing was stored.

    `already`: the command would have changed nothing.
    """

    record: int | None
    already: bool


@frozen
class Operator:
    """The operator `by` at a node. With `dry_run` commands are decided and nothing is stored.

    `room` is that of the node. If the log is replaced, the operator can do nothing more: positions may be those of
    other messages.
    """

    admin_node: AdminNode
    by: str
    dry_run: bool
    room: Room

    def now(self) -> int:
        """The node's time in milliseconds since 1970."""
        return self.admin_node.clock.now()

    def progress(self, position: int, end: int, changed: int) -> Progress:
        """How far a command got. A dry run has changed nothing."""
        return Progress(position, end, 0 if self.dry_run else changed)

    def agent_named(self, name: str) -> Agent:
        """The agent with this name, or with one that looks like it. Raises RuleViolated if there is none."""
        agent = self.room.agent_named(name)
        check_rules((agent_exists,), agent, None, self.room.rule_context)
        return agent

    async def decide(self, command: OperatorCommand) -> Decided:
        """Have a command decided and its event stored.

        Raises RuleViolated, Overloaded, LogUnavailable (nothing was stored) or OutcomeUnknown.
        """
        if self.dry_run:
            outcome = decide(self.room.agent(command.agent), command, self.room.rule_context)
            return Decided(None, isinstance(outcome, AlreadyRecorded))
        handled = await self.admin_node.node.commands.handle(command, made_for=self.room)
        # If nothing was stored, `handled.position` is the end of the stream, which need not be the record that decided
        # it.
        return Decided(None if handled.already_recorded else handled.position, handled.already_recorded)

    async def change(self, record_type: str, command: OperatorCommand, **more: Any) -> Change:
        """Have a command decided, and return the reply with its result; `more` are fields of it. Raises as `decide`."""
        decided = await self.decide(command)
        return Change(
            type=record_type,
            record=decided.record,
            already=decided.already,
            dry_run=self.dry_run,
            # `by` and `reason` of the command: its converters have normalised them to the stored form.
            by=command.by or self.by,
            reason=getattr(command, "reason", UNSET),
            **more,
        )
