"""Decide the commands of operators who moderate: whether they change anything, and which event follows from them."""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from attrs import astuple

from chatr.domain.agent import Agent
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
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    MessageRemoved,
    MessageRestored,
    ModerationEvent,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)
from chatr.domain.rule import RuleContext
from chatr.domain.standing import NO_STANDING, Suspension


def existing_decision_for(agent: Agent, command: ModerationCommand, context: RuleContext) -> int | None:
    """The last position of the command's stream if the command would change nothing; None if it needs an event.

    The record at that position need not be the one that decided it.
    """
    position = context.room_position if isinstance(command, CloseRoom | OpenRoom) else agent.position
    # 0: nothing was recorded in that stream, so there is no record to name.
    return position if position > 0 and is_decided(agent, command, context) else None


def is_decided(agent: Agent, command: ModerationCommand, context: RuleContext) -> bool:
    """Whether the room is already as the command wants it."""
    standing = agent.standing or NO_STANDING
    match command:
        case Suspend():
            # The operator is compared too, as the agent's state names who suspended it. The state of the room does not
            # name who closed it, so CloseRoom compares the reason alone.
            return standing.suspension == Suspension(command.until, command.reason, command.by)
        case Reinstate():
            return not agent.is_suspended(command.at)
        case Approve():
            return standing.approval is not None
        case WithdrawApproval():
            return standing.approval is None
        case WithdrawBadge():
            return agent.badge is None
        case RemoveMessage() | RestoreMessage() | EraseRecords():
            return is_visibility_decided(command, context)
        case CloseRoom():
            return context.closing == command.reason
        case OpenRoom():
            return context.closing is None
        case _:
            assert_never(command)


def is_visibility_decided(command: RemoveMessage | RestoreMessage | EraseRecords, context: RuleContext) -> bool:
    """Whether the messages of a command are hidden, shown or erased already."""
    match command:
        case RemoveMessage():
            return command.position in context.removals
        case RestoreMessage():
            return context.is_message(command.position) and command.position not in context.removals
        case EraseRecords():
            removals = (context.removals.get(each.position) for each in command.records)
            return bool(command.records) and all(each is not None and each.erased for each in removals)


EVENT_CLASSES: Final[Mapping[type[ModerationCommand], Any]] = {
    Suspend: AgentSuspended,
    Reinstate: AgentReinstated,
    Approve: AgentApproved,
    WithdrawApproval: ApprovalWithdrawn,
    WithdrawBadge: BadgeWithdrawn,
    RemoveMessage: MessageRemoved,
    RestoreMessage: MessageRestored,
    EraseRecords: RecordsErased,
    CloseRoom: RoomClosed,
    OpenRoom: RoomOpened,
}
"""The event that follows from each command. It has the same fields, in the same order."""
COMMAND_CLASSES: Final = {event_class: command_class for command_class, event_class in EVENT_CLASSES.items()}


def moderation_event_for(command: ModerationCommand) -> ModerationEvent | RoomClosed | RoomOpened:
    """The event that follows from a command that obeys the rules."""
    event: ModerationEvent | RoomClosed | RoomOpened = EVENT_CLASSES[type(command)](*astuple(command, recurse=False))
    return event


def as_moderation_command(event: ModerationEvent | RoomClosed | RoomOpened) -> ModerationCommand:
    """The command from which an event followed; audit checks it against the rules."""
    command_class: Any = COMMAND_CLASSES[type(event)]
    command: ModerationCommand = command_class(*astuple(event, recurse=False))
    return command
