"""The room as it was, without folding its log again: by what the fold remembers, and the records about that moment."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

from chatr.codec import decode
from chatr.domain.agent import Agent
from chatr.domain.agent import evolve as evolve_agent
from chatr.domain.chronicle import BLOCK
from chatr.domain.events import AgentId, LimitsAdopted
from chatr.domain.history import Message
from chatr.domain.limits import Limits
from chatr.domain.room import Room
from chatr.node import Node
from chatr.past import TOO_EARLY, Moment, NoSuchMoment, Time, batches, inside, time_of
from chatr.ports import LogReader, Stored, Unavailable


@frozen
class Place:
    """A moment that was found: the last position of its past, and what the clock showed."""

    position: int
    at: int


@frozen
class Glimpse:
    """What was seen at `place`: the last `messages`, whoever was `online`, totals, and the limits in force."""

    place: Place
    messages: Sequence[tuple[Message, Agent]]
    has_more: bool
    online: Sequence[Agent]
    total_agents: int
    total_messages: int
    limits: Limits


@frozen
class Glimpses:
    """Looks at the past of a node's room. The log is read about a moment, and never from its beginning."""

    node: Node
    log: LogReader

    async def find(self, moment: Moment) -> Place:
        """Where `chatr.past` finds it too. Raises NoSuchMoment or Unavailable."""
        if isinstance(moment, Time):
            return Place(await self._last_by(moment.at), moment.at)
        if moment > self.node.room.position:
            await self.node.catch_up()
        position = inside(self.node.room.position, moment)
        try:
            return Place(position, await time_of(self.log, position))
        except IndexError as error:
            raise replaced() from error

    async def _last_by(self, at: int) -> int:
        room = self.node.room
        block = room.chronicle.block_by(at)
        if block is None:
            raise NoSuchMoment(TOO_EARLY)
        stored = await self.log.read(block.start - 1, min(BLOCK, room.position + 1 - block.start))
        last = max((each.position for each in stored if each.draft.at <= at), default=0)
        if not last:
            raise replaced()
        return last

    async def look(self, place: Place, count: int) -> Glimpse:
        """The room as it was, with `count` messages. Raises Unavailable."""
        room = self.node.room
        page = room.history.page(None, place.position + 1, count)
        messages = await self.node.messages(page.positions)
        online = await self._online(room, place)
        if room is not self.node.room:
            raise replaced()
        return Glimpse(
            place,
            [(each, badged(room.agent(each.agent), place.position)) for each in messages],
            page.has_more,
            online,
            room.chronicle.agents_at(place.position),
            bisect_right(room.history.positions, place.position),
            room.chronicle.limits_at(place.position),
        )

    async def _online(self, room: Room, place: Place) -> list[Agent]:
        """Whoever was there did something about then: nothing before that is read."""
        if place.position == room.position:
            return room.online(place.at)
        limits = room.chronicle.limits_at(place.position)
        first = room.chronicle.first_within(place.at - limits.reach, place.at + limits.reach) or place.position + 1
        last: dict[str, Stored] = {}
        async for batch in batches(self.log, first - 1, place.position):
            last |= {each.draft.stream: each for each in batch}
        acted = agents(room, place.position, sorted(last.values(), key=lambda each: each.position))
        return [agent for agent in acted if agent.online(place.at, limits)]


def replaced() -> Unavailable:
    """The node will notice soon, and read it again."""
    return Unavailable("the log was replaced")


def agents(room: Room, position: int, last: Iterable[Stored]) -> Iterable[Agent]:
    """Those whose last records these are, ascending, as they were at `position`."""
    found: dict[AgentId, Agent] = {}
    for record in map(decode, last):
        event = record.event
        if not isinstance(event, LimitsAdopted):
            found[event.agent] = evolve_agent(badged(room.agent(event.agent), position), record, room.house.limits)
    return found.values()


def badged(agent: Agent, position: int) -> Agent:
    """The agent with no badge but one that it had by then."""
    return agent if agent.badge is None or agent.badge.position <= position else evolve(agent, badge=None)
