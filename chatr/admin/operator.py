"""An operator at a node: resolves names, and has commands decided."""

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
    """A node with what operators' commands need besides: its log, to read what is not in memory, its secrets, and what
    carries out its erasures.
    """

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
    """What came of a command: the position of its record; None if nothing was stored. `already`: it was so before."""

    record: int | None
    already: bool


@frozen
class Operator:
    """The operator `by` at a node. With `dry_run` commands are decided and nothing is stored.

    `room` is that of the node. If the log is replaced, nothing more is done: positions may stand for other messages.
    """

    at: AdminNode
    by: str
    dry_run: bool
    room: Room

    def now(self) -> int:
        """The node's time in milliseconds since 1970."""
        return self.at.clock.now()

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
        handled = await self.at.node.commands.handle(command, made_for=self.room)
        # The handler knows the last record of the stream then, which need not be the one that says so.
        return Decided(None if handled.already_recorded else handled.position, handled.already_recorded)

    async def change(self, record_type: str, command: OperatorCommand, **more: Any) -> Change:
        """Have a command decided, and return what came of it; `more` are fields of the reply. Raises as `decide`."""
        decided = await self.decide(command)
        return Change(
            type=record_type,
            record=decided.record,
            already=decided.already,
            dry_run=self.dry_run,
            # As it was normalised to be stored.
            by=command.by or self.by,
            reason=getattr(command, "reason", UNSET),
            **more,
        )
