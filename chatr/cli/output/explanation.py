"""Explanations why a command was recorded or rejected: the state before it, the verdict of each rule, the outcome."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from chatr import to_wire
from chatr.cli.offline import Offline
from chatr.cli.output import agent_status
from chatr.cli.output.operator_text import reason_of, subject
from chatr.cli.output.records import ERASED
from chatr.cli.output.tables import print_section, print_table
from chatr.cli.output.text import format_time
from chatr.codec import TYPE_NAMES
from chatr.domain.agent import Agent
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
)
from chatr.domain.decide import AlreadyRecorded, decide, event_for, rules_for
from chatr.domain.events import Event, Record
from chatr.domain.key_commands import ActivateKey, IssueKey, Recover, RevokeKey
from chatr.domain.moderate import moderation_event_for
from chatr.domain.moderation_commands import (
    Approve,
    CloseRoom,
    EraseRecords,
    ModerationCommand,
    OpenRoom,
    Reinstate,
    RemoveMessage,
    RestoreMessage,
    Suspend,
    WithdrawApproval,
    WithdrawBadge,
)
from chatr.domain.room import Room
from chatr.domain.rule import Rule, RuleViolated, check_rules


@frozen
class Explanation:
    """A command, the room before it, and its record; None if the command is hypothetical (`--post`).

    `name` is that of the agent, or of the operator. The rules about the text of a message that `is_erased` are left
    out. `away` says why the agent was offline before the command.
    """

    name: str
    command: Command
    room: Room
    record: Record | None = None
    is_erased: bool = False
    away: Offline | None = None

    @property
    def agent(self) -> Agent:
        """The agent before the command."""
        return self.room.agent(self.command.agent)

    @property
    def outcome(self) -> Event | AlreadyRecorded | RuleViolated:
        """The result of deciding the command again."""
        agent, command, context = self.agent, self.command, self.room.rule_context
        try:
            if not self.is_erased:
                return decide(agent, command, context)
            check_rules(self.rules, agent, command, context)
        except RuleViolated as violation:
            return violation
        return event_for(agent, command)

    @property
    def rules(self) -> Sequence[Rule[Any]]:
        """The rules for the command that can be judged."""
        return [rule for rule in rules_for(self.command) if not (self.is_erased and rule.text_only)]

    def verdicts(self) -> Iterator[tuple[str, str, bool]]:
        """Yield code and sentence of each rule, in the order in which they are checked, and whether it holds.

        No rule is checked for a command that an earlier record has answered.
        """
        if not isinstance(self.outcome, AlreadyRecorded):
            context = self.room.rule_context
            for rule in self.rules:
                yield rule.code, rule.text(context.limits), rule.holds(self.agent, self.command, context)


def print_explanation(explanation: Explanation) -> None:
    """Print the explanation as tables."""
    limits, now, agent = explanation.room.rule_context.limits, explanation.command.at, explanation.agent
    print_table([("command", f"{explanation.name}: {asked(explanation)}"), ("time", format_time(now))])
    status = (
        agent_status.status_rows(agent, limits, now, explanation.away) if agent.registered else [("registered", "no")]
    )
    print_section(f"before, at position {explanation.room.position}", [*status, ("limits", str(limits))])
    print_section(
        "rules", [("holds" if holds else "BROKEN", code, rule) for code, rule, holds in explanation.verdicts()]
    )
    print_section("outcome", [(sentence,) for sentence in outcome_sentences(explanation)])


def asked(explanation: Explanation) -> str:
    """Describe what the command does, without its time: also to whom, if an operator asked for it."""
    command, name = explanation.command, explanation.agent.name
    if explanation.is_erased:
        return f"post {ERASED}"
    if isinstance(command, ModerationCommand):
        event = moderation_event_for(command)
        text = OPERATOR_PHRASES[type(command)].format(agent=name, subject=subject(event))
        return text if reason_of(event) is None else f"{text}: {reason_of(event)}"
    if isinstance(command, IssueKey | RevokeKey) and command.by is not None:
        return OPERATOR_PHRASES[type(command)].format(agent=name)
    return description(command)


def description(command: Command) -> str:
    """Describe what a command of an agent does, without its agent and its time."""
    match command:
        case Register():
            return f"register as {command.name}"
        case Post(reply_to=None):
            return f'post "{command.content}"'
        case Post():
            return f'reply "{command.content}" to message {command.reply_to}'
        case Heartbeat():
            return "stay online"
        case Leave():
            return "leave"
        case StartVerification():
            return f"start verifying as {command.moltbook_name}"
        case CompleteVerification():
            return f"verify as {command.moltbook_name}"
        case AdoptLimits():
            return f"adopt these limits: {command.limits}"
        case _:
            return KEY_PHRASES[type(command)]


KEY_PHRASES: Final[Mapping[type[Command], str]] = {
    IssueKey: "issue a new key",
    ActivateKey: "use the new key",
    RevokeKey: "revoke a key",
    Recover: "recover with a new key",
}
OPERATOR_PHRASES: Final[Mapping[type[Command], str]] = {
    IssueKey: "issue a new key for {agent}",
    RevokeKey: "revoke a key of {agent}",
    Suspend: "suspend {agent} {subject}",
    Reinstate: "reinstate {agent}",
    Approve: "approve {agent}",
    WithdrawApproval: "withdraw the approval of {agent}",
    WithdrawBadge: "withdraw the badge of {agent}",
    RemoveMessage: "remove {subject} of {agent}",
    RestoreMessage: "restore {subject} of {agent}",
    EraseRecords: "erase {subject} of {agent}",
    CloseRoom: "close the room",
    OpenRoom: "open the room",
}


def outcome_sentences(explanation: Explanation) -> Iterator[str]:
    """Yield the outcome as a sentence, and a warning if the record in the log differs from it."""
    outcome, record = explanation.outcome, explanation.record
    match outcome:
        case RuleViolated():
            yield f"Rejected ({outcome.code}): {outcome}"
        case AlreadyRecorded():
            yield f"Record {outcome.position} has answered this already, so nothing is recorded."
        case _ if explanation.is_erased and record is not None:
            yield f"Recorded as {TYPE_NAMES[type(outcome)]} at position {record.position}. Its text was erased since."
        case _ if record is not None:
            yield f"Recorded as {TYPE_NAMES[type(outcome)]} at position {record.position}."
        case _:
            yield f"It would be recorded as {TYPE_NAMES[type(outcome)]}."
    if record is not None and outcome != record.event:
        yield f"But record {record.position} is in the log and differs from that. Check this log with chatr audit."


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as it is printed with --json."""
    limits, now, agent = explanation.room.rule_context.limits, explanation.command.at, explanation.agent
    erased = {"erased": True} if explanation.is_erased else {}
    return erased | {
        "asked": asked(explanation),
        "time": format_time(now),
        "position": explanation.record and explanation.record.position,
        "seen": explanation.room.position,
        "agent": agent_status.status_json(agent, limits, now, explanation.away) if agent.registered else None,
        "limits": to_wire.limits(limits),
        "rules": [{"code": code, "rule": rule, "holds": holds} for code, rule, holds in explanation.verdicts()],
        "outcome": outcome_json(explanation.outcome),
    }


def outcome_json(outcome: Event | AlreadyRecorded | RuleViolated) -> dict[str, Any]:
    """Return the outcome of a decision as it is printed with --json."""
    # `refused`, `settled` and `recorded` are part of the --json format: do not rename them.
    match outcome:
        case RuleViolated():
            return {"refused": outcome.code, "error": str(outcome)}
        case AlreadyRecorded():
            return {"settled": outcome.position}
        case _:
            return {"recorded": TYPE_NAMES[type(outcome)]}
