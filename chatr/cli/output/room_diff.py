"""What changed in the room between two moments, as a table or as JSON."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from chatr import to_wire
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

    @classmethod
    def of(cls, room: Room, at: int) -> "RoomState":
        """Copy the state of the room at the time `at`, in milliseconds since 1970."""
        online = frozenset(agent.id for agent in room.online_agents(at))
        message_count = len(room.history.positions)
        # The dict is copied, because the replay changes the room; the agents in it are immutable.
        return cls(room.position, at, dict(room.agents), online, room.rule_context.limits, message_count)

    @property
    def verified(self) -> set[AgentId]:
        """The agents that have a badge."""
        return {agent.id for agent in self.agents.values() if agent.verified}


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
    yield "came online", ", ".join(diff.came_online) or "nobody"
    yield "went offline", ", ".join(diff.went_offline) or "nobody"
    yield "limits", "unchanged" if before.limits == after.limits else f"{before.limits} -> {after.limits}"


def diff_json(diff: RoomDiff) -> dict[str, Any]:
    """Return the difference as it is printed with --json."""
    return {
        "from": {"position": diff.before.position, "time": format_time(diff.before.at)},
        "to": {"position": diff.after.position, "time": format_time(diff.after.at)},
        "messages": diff.messages,
        "registered": diff.registered,
        "verified": diff.verified,
        "cameOnline": diff.came_online,
        "wentOffline": diff.went_offline,
        "limits": [to_wire.limits(diff.before.limits), to_wire.limits(diff.after.limits)],
    }
