"""chatr replay --diff: what changed between two moments."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from chatr.adapters.http import render
from chatr.cli.moment import clock, find
from chatr.cli.progress import progress
from chatr.cli.tables import print_json, print_table, time
from chatr.domain.agent import Agent
from chatr.domain.events import AgentId
from chatr.domain.limits import Limits
from chatr.domain.room import Room
from chatr.past import Moment, fold
from chatr.ports import LogReader


@frozen
class Side:
    """The room at one of the two moments, kept while the room goes on."""

    position: int
    at: int
    agents: Mapping[AgentId, Agent]
    online: frozenset[AgentId]
    limits: Limits
    messages: int


@frozen
class Diff:
    before: Side
    after: Side

    @property
    def messages(self) -> int:
        return self.after.messages - self.before.messages

    @property
    def registered(self) -> list[str]:
        return self._names(self.after.agents.keys() - self.before.agents.keys())

    @property
    def verified(self) -> list[str]:
        return self._names(verified(self.after) - verified(self.before))

    @property
    def came_online(self) -> list[str]:
        return self._names(self.after.online - self.before.online)

    @property
    def went_offline(self) -> list[str]:
        return self._names(self.before.online - self.after.online)

    def _names(self, agents: Iterable[AgentId]) -> list[str]:
        return sorted((self.after.agents[agent].name for agent in agents), key=str.lower)


def verified(side: Side) -> set[AgentId]:
    return {agent.id for agent in side.agents.values() if agent.verified}


async def show(log: LogReader, first: Moment, second: Moment, *, json: bool) -> None:
    """The earlier one is what the later one is compared with, whichever was named first."""
    places = sorted([(await find(log, moment), await clock(log, moment)) for moment in (first, second)])
    room, sides = Room(), []
    with progress("replaying", places[-1][0]) as reached:
        for position, at in places:
            await fold(log, room, position, reached)
            sides.append(side(room, at))
    found = Diff(*sides)
    if json:
        print_json(as_json(found))
    else:
        print_table(rows(found))


def side(room: Room, at: int) -> Side:
    online = frozenset(agent.id for agent in room.online(at))
    return Side(room.position, at, dict(room.agents), online, room.house.limits, len(room.history.positions))


def rows(diff: Diff) -> Iterator[tuple[str, object]]:
    before, after = diff.before, diff.after
    yield "from", f"position {before.position}, {time(before.at)}"
    yield "to", f"position {after.position}, {time(after.at)}"
    yield "messages", f"{diff.messages:+,}"
    yield "registered", ", ".join(diff.registered) or "nobody"
    yield "verified", ", ".join(diff.verified) or "nobody"
    yield "came online", ", ".join(diff.came_online) or "nobody"
    yield "went offline", ", ".join(diff.went_offline) or "nobody"
    yield "limits", "the same" if before.limits == after.limits else f"{before.limits} -> {after.limits}"


def as_json(diff: Diff) -> dict[str, Any]:
    return {
        "from": {"position": diff.before.position, "time": time(diff.before.at)},
        "to": {"position": diff.after.position, "time": time(diff.after.at)},
        "messages": diff.messages,
        "registered": diff.registered,
        "verified": diff.verified,
        "cameOnline": diff.came_online,
        "wentOffline": diff.went_offline,
        "limits": [render.limits(diff.before.limits), render.limits(diff.after.limits)],
    }
