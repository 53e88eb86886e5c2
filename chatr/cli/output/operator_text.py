"""What operators decided and what became of keys, in words: without the time and the agent, which stand beside them."""

from collections.abc import Sequence
from typing import Final, assert_never

from chatr.cli.output.text import counted, format_time
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyEvent, KeyIssued, KeyRevoked
from chatr.domain.limits import format_duration
from chatr.domain.moderation_events import (
    AgentSuspended,
    MessageRemoved,
    MessageRestored,
    ModerationEvent,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)

OperatorEvent = ModerationEvent | RoomClosed | RoomOpened
POSITIONS_SHOWN: Final = 10
"""Messages that are listed in a line; of more the number is given."""


def moderation_text(event: OperatorEvent) -> str:
    """Describe what an operator decided: about what, by whom, and why."""
    text = ", ".join(filter(None, (subject(event), f"by {event.by}")))
    reason = reason_of(event)
    return text if reason is None else f"{text}: {reason}"


def reason_of(event: OperatorEvent) -> str | None:
    """Return why the operator decided so; None if that is not stored."""
    reason: str | None = getattr(event, "reason", None)
    return reason


def subject(event: OperatorEvent) -> str:
    """Describe what the event is about besides the agent; "" if it is about nothing else."""
    match event:
        case AgentSuspended(until=until):
            return "for ever" if until is None else f"until {format_time(until)}"
        case MessageRemoved() | MessageRestored():
            return f"message {event.position}"
        case RecordsErased():
            return messages_text([each.position for each in event.records])
        case _:
            return ""


def messages_text(positions: Sequence[int]) -> str:
    """Return the positions of messages in words."""
    if len(positions) > POSITIONS_SHOWN:
        return f"{counted(len(positions), 'message')} from {min(positions)} to {max(positions)}"
    return f"message{'' if len(positions) == 1 else 's'} {', '.join(map(str, positions))}"


def key_text(event: KeyEvent) -> str:
    """Describe what became of an agent's keys, and who did it; "" if that is the agent."""
    match event:
        case KeyIssued():
            others = f"stay open for {duration_text(event.grace)}" if event.grace else "are void"
            by = f"by {event.by}, " if event.by else ""
            return f"{by}pending; from its first use on the others {others}"
        case KeyActivated():
            return ""
        case KeyRevoked():
            return f"by {event.by}" if event.by else ""
        case AgentRecovered():
            return f"by post {event.proof}, all other keys are void"
        case _:
            assert_never(event)


def duration_text(milliseconds: int) -> str:
    """Return a duration in words: "1 hour", "90 seconds"."""
    text = format_duration(milliseconds)
    return text if text[0].isdigit() else f"1 {text}"
