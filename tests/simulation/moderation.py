"""What operators decided, computed from the records in plain words."""

from collections import defaultdict
from collections.abc import Iterator
from math import inf

from attrs import define, field, frozen

from chatr.domain.events import AgentRegistered, AgentVerified, Event, Record
from chatr.domain.key_events import KeyIssued, KeyRevoked
from chatr.domain.limits import Limits
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    MessageRemoved,
    MessageRestored,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)


@frozen
class Decision:
    """What one record of an operator says: the type of its event, and the agent, message or key that it is about."""

    position: int
    event_class: type[Event]
    target: str


@define(eq=False)
class Moderation:
    """The decisions of one branch of the log.

    `suspended_until`: milliseconds since 1970, by agent. `badges` and `closings`: each change with its position.
    `removed` and `erased`: by position of a message, that of the record which hid it. `changes`: the position of each
    record that hid or showed a message, with that of the message. `decisions`: by operator.
    """

    suspended_until: dict[str, float] = field(factory=dict)
    suspended_once: set[str] = field(factory=set)
    approved: set[str] = field(factory=set)
    waiting: set[str] = field(factory=set)
    badges: defaultdict[str, list[tuple[int, bool]]] = field(factory=lambda: defaultdict(list))
    closings: list[tuple[int, bool]] = field(factory=list)
    removed: dict[int, int] = field(factory=dict)
    erased: dict[int, int] = field(factory=dict)
    changes: list[tuple[int, int]] = field(factory=list)
    decisions: defaultdict[str, list[Decision]] = field(factory=lambda: defaultdict(list))

    def apply(self, record: Record, limits: Limits) -> None:
        """Take the next record of the log, of any type. `limits` are in force."""
        event, position = record.event, record.position
        self._remember_decision(event, position)
        self._apply_to_agent(event, needs_approval=limits.registration == "approval")
        match event:
            case AgentVerified() | BadgeWithdrawn():
                self.badges[event.agent].append((position, isinstance(event, AgentVerified)))
            case RoomClosed() | RoomOpened():
                self.closings.append((position, isinstance(event, RoomClosed)))
            case MessageRemoved() | MessageRestored():
                self.changes.append((position, event.position))
                if isinstance(event, MessageRemoved):
                    self.removed[event.position] = position
                else:
                    del self.removed[event.position]
            case RecordsErased():
                self.changes += [(position, each.position) for each in event.records]
                self.erased = dict.fromkeys((each.position for each in event.records), position) | self.erased
            case _:
                pass

    def _apply_to_agent(self, event: Event, *, needs_approval: bool) -> None:
        match event:
            case AgentRegistered(by=None) if needs_approval:
                self.waiting.add(event.agent)
            case AgentSuspended():
                self.suspended_until[event.agent] = inf if event.until is None else event.until
                self.suspended_once.add(event.agent)
            case AgentReinstated():
                self.suspended_until.pop(event.agent, None)
            case AgentApproved():
                self.approved.add(event.agent)
                self.waiting.discard(event.agent)
            case ApprovalWithdrawn():
                self.approved.discard(event.agent)
                self.waiting |= {event.agent} if needs_approval else set()
            case _:
                pass

    def _remember_decision(self, event: Event, position: int) -> None:
        by = getattr(event, "by", None)
        if by is not None:
            self.decisions[by] += [Decision(position, type(event), target) for target in targets_of(event)]

    def is_hidden(self, message: int) -> bool:
        """Whether the message at this position is removed or erased."""
        return message in self.removed or message in self.erased

    def is_suspended(self, agent: str, at: int) -> bool:
        """Whether the agent is suspended at `at`."""
        return at < self.suspended_until.get(agent, 0)

    def is_verified(self, agent: str, seen: int) -> bool:
        """Whether an agent is verified for a node that has folded all of its stream, and all records up to `seen`."""
        return agent in self.approved or state_at(self.badges[agent], seen)

    def is_closed(self, seen: int) -> bool:
        """Whether the room is closed after the record at `seen`."""
        return state_at(self.closings, seen)


def state_at(changes: list[tuple[int, bool]], position: int) -> bool:
    """The last state that is not after `position`; False before the first one."""
    return next((state for changed_at, state in reversed(changes) if changed_at <= position), False)


def targets_of(event: Event) -> Iterator[str]:
    """Yield what an event of an operator is about."""
    match event:
        case MessageRemoved() | MessageRestored():
            yield str(event.position)
        case RecordsErased():
            yield from (str(each.position) for each in event.records)
        case KeyIssued() | KeyRevoked():
            yield event.key_digest
        case _:
            yield getattr(event, "agent", "room")
