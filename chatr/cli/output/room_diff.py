"""What changed in the room between two moments, as a table or as JSON."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from chatr import to_wire
from chatr.cli.output.operator_text import messages_text
from chatr.cli.output.text import format_time
from chatr.domain.agent import Agent
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limits
from chatr.domain.room import Room


@frozen
class RoomState:
    """The parts of a room that are compared, at one moment. Its time `at` is in milliseconds since 1970."""

    position: int
    at: int
    agents: Mapping[AgentId, Agent]
    online: frozenset[AgentId]
    limits: Limits
    message_count: int
    # The hidden messages; those whose value is true were erased.
    hidden: Mapping[int, bool]
    closing: str | None

    @classmethod
    def of(cls, room: Room, at: int) -> "RoomState":
        """Copy the state of the room at the time `at`, in milliseconds since 1970."""
        online = frozenset(agent.id for agent in room.online_agents(at))
        message_count = len(room.history.positions)
        # The dict is copied, because the replay changes the room; the agents in it are immutable.
        context = room.rule_context
        hidden = {removal.message: removal.erased for removal in context.removals.values()}
        return cls(room.position, at, dict(room.agents), online, context.limits, message_count, hidden, context.closing)

    @property
    def verified(self) -> set[AgentId]:
        """The agents that have a badge or an operator's approval."""
        return {agent.id for agent in self.agents.values() if agent.verified}

    @property
    def suspended(self) -> set[AgentId]:
        """The agents that are suspended."""
        return {agent.id for agent in self.agents.values() if agent.is_suspended(self.at)}

    @property
    def approved(self) -> set[AgentId]:
        """The agents for which an operator vouches."""
        return {
            agent.id
            for agent in self.agents.values()
            if agent.standing is not None and agent.standing.approval is not None
        }

    @property
    def erased(self) -> set[int]:
        """The messages whose texts are erased."""
        return {message for message, is_erased in self.hidden.items() if is_erased}

    @property
    def removed(self) -> set[int]:
        """The messages that are hidden and can be shown again."""
        return set(self.hidden) - self.erased


@frozen
class RoomDiff:
    """What changed from one state of the room to a later one. Agents are given by name, in alphabetical order."""

    before: RoomState
    after: RoomState

    @property
    def messages(self) -> int:
        """How many messages were posted in between."""
        return self.after.message_count - self.before.message_count

    @property
    def registered(self) -> list[str]:
        """Agents that registered."""
        return self._names(self.after.agents.keys() - self.before.agents.keys())

    @property
    def verified(self) -> list[str]:
        """Agents that got a badge."""
        return self._names(self.after.verified - self.before.verified)

    @property
    def suspended(self) -> list[str]:
        """Agents that are suspended only in the later state."""
        return self._names(self.after.suspended - self.before.suspended)

    @property
    def reinstated(self) -> list[str]:
        """Agents that are suspended only in the earlier state."""
        return self._names(self.before.suspended - self.after.suspended)

    @property
    def approved(self) -> list[str]:
        """Agents for which an operator vouches only in the later state."""
        return self._names(self.after.approved - self.before.approved)

    @property
    def removed(self) -> list[int]:
        """Messages that were removed in between."""
        return sorted(self.after.removed - self.before.hidden.keys())

    @property
    def restored(self) -> list[int]:
        """Messages that are hidden only in the earlier state."""
        return sorted(self.before.hidden.keys() - self.after.hidden.keys())

    @property
    def erased(self) -> list[int]:
        """Messages whose texts were erased in between."""
        return sorted(self.after.erased - self.before.erased)

    @property
    def came_online(self) -> list[str]:
        """Agents that are online only in the later state."""
        return self._names(self.after.online - self.before.online)

    @property
    def went_offline(self) -> list[str]:
        """Agents that are online only in the earlier state."""
        return self._names(self.before.online - self.after.online)

    def _names(self, agents: Iterable[AgentId]) -> list[str]:
        # Agents are never removed, so the later state has all of them.
        return sorted((self.after.agents[agent].name for agent in agents), key=str.lower)


def diff_rows(diff: RoomDiff) -> Iterator[tuple[str, object]]:
    """Yield label and text of each line that describes the difference."""
    before, after = diff.before, diff.after
    yield "from", f"position {before.position}, {format_time(before.at)}"
    yield "to", f"position {after.position}, {format_time(after.at)}"
    yield "messages", f"{diff.messages:+,}"
    yield "registered", ", ".join(diff.registered) or "nobody"
    yield "verified", ", ".join(diff.verified) or "nobody"
    # Only what happened: in most rooms none of it ever does.
    for label, names in (("suspended", diff.suspended), ("reinstated", diff.reinstated), ("approved", diff.approved)):
        if names:
            yield label, ", ".join(names)
    for label, messages in (("removed", diff.removed), ("restored", diff.restored), ("erased", diff.erased)):
        if messages:
            yield label, messages_text(messages)
    yield "came online", ", ".join(diff.came_online) or "nobody"
    yield "went offline", ", ".join(diff.went_offline) or "nobody"
    yield "limits", "unchanged" if before.limits == after.limits else f"{before.limits} -> {after.limits}"
    if before.closing != after.closing:
        yield "room", "open again" if after.closing is None else f"closed: {after.closing}"


def diff_json(diff: RoomDiff) -> dict[str, Any]:
    """Return the difference as it is printed with --json. What operators did is there only if they did something."""
    before, after = diff.before, diff.after
    operators: dict[str, Any] = {
        "suspended": diff.suspended,
        "reinstated": diff.reinstated,
        "approved": diff.approved,
        "removed": diff.removed,
        "restored": diff.restored,
        "erased": diff.erased,
        "closing": [before.closing, after.closing] if before.closing != after.closing else None,
    }
    return {name: value for name, value in operators.items() if value} | {
        "from": {"position": before.position, "time": format_time(before.at)},
        "to": {"position": after.position, "time": format_time(after.at)},
        "messages": diff.messages,
        "registered": diff.registered,
        "verified": diff.verified,
        "cameOnline": diff.came_online,
        "wentOffline": diff.went_offline,
        "limits": [to_wire.limits(before.limits), to_wire.limits(after.limits)],
    }
