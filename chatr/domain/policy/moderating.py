"""The rules for operators."""

from chatr.domain import invisible, text
from chatr.domain.agent import Agent
from chatr.domain.commands import Register
from chatr.domain.key_commands import IssueKey, RevokeKey
from chatr.domain.limits import OPERATOR_LENGTH, REASON_LENGTH, RECORDS_IN_ONE_ERASURE
from chatr.domain.moderation_commands import (
    EraseRecords,
    ModerationCommand,
    ReasonedCommand,
    RemoveMessage,
    RestoreMessage,
    Suspend,
)
from chatr.domain.rule import Kind, RuleContext, format_rule, rule


def fits_on_line(shown: str, max_length: int) -> bool:
    """Whether `shown` has 1 to `max_length` characters, of which one is visible, and can be shown in one line.

    It contains no line break, tab, control or direction character, and no invisible characters in a row.
    """
    is_clean = text.is_clean(shown) and not invisible.has_long_run(shown) and text.is_one_line(shown)
    return 1 <= len(shown) <= max_length and text.is_visible(shown) and is_clean


@format_rule(
    "invalid_reason", f"A reason must be 1-{REASON_LENGTH} characters in one line, without invisible characters."
)
def reason_fits(command: ReasonedCommand) -> bool:
    """The reason is not empty and can be shown in a line."""
    return fits_on_line(command.reason, REASON_LENGTH)


@format_rule(
    "invalid_operator",
    f"An operator's name must be 1-{OPERATOR_LENGTH} characters in one line, without invisible characters.",
)
def operator_fits(command: ModerationCommand | IssueKey | RevokeKey | Register) -> bool:
    """The operator has a name that can be shown in a line, or the agent acts itself."""
    by = command.by
    return by is None or fits_on_line(by, OPERATOR_LENGTH)


@rule(Kind.NOT_FOUND, "agent_not_found", "No agent has registered this name.", "Check its spelling.")
def agent_exists(agent: Agent, _command: object, _context: RuleContext) -> bool:
    """The agent has registered."""
    return agent.registered


@rule(Kind.INVALID, "invalid_time", "A suspension must end after it begins.", "Give a later time, or none.")
def suspension_ends_later(_agent: Agent, suspend: Suspend, _context: RuleContext) -> bool:
    """The suspension has no end or one in the future."""
    return suspend.until is None or suspend.at < suspend.until


@rule(Kind.NOT_FOUND, "message_not_found", "There is no message with this id.", "Check the id.")
def message_exists(_agent: Agent, command: RemoveMessage | RestoreMessage, context: RuleContext) -> bool:
    """There is a message at the position."""
    return context.is_message(command.position)


@rule(Kind.CONFLICT, "message_erased", "A message whose text was erased cannot be shown again.", "It stays hidden.")
def message_is_not_erased(_agent: Agent, command: RestoreMessage, context: RuleContext) -> bool:
    """The text of the message was not erased."""
    removal = context.removals.get(command.position)
    return removal is None or not removal.erased


@rule(
    Kind.INVALID,
    "invalid_erasure",
    f"One erasure names 1-{RECORDS_IN_ONE_ERASURE} messages, each once.",
    "Name each message once, and erase more of them in several steps.",
)
def erasure_fits(_agent: Agent, erase: EraseRecords, context: RuleContext) -> bool:
    """The erasure names at least one and at most RECORDS_IN_ONE_ERASURE messages, none of them twice."""
    positions = {each.position for each in erase.records}
    is_allowed = 1 <= len(positions) == len(erase.records) <= RECORDS_IN_ONE_ERASURE
    return is_allowed and all(map(context.is_message, positions))
