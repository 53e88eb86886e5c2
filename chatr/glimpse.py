"""The room as it was, without folding its log again: by what the fold remembers, and the records about that moment."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

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
from chatr.past import TOO_EARLY, Moment, NoSuchMoment, Time, inside
from chatr.ports import LogReader, Stored, Unavailable

BLOCKS_KEPT: Final = 16
BLOCKS_READ: Final = 200
"""For one look. Half an hour of a hundred records a second; or a clock that was wrong twice, a long log apart."""


class TooMuchAtOnce(Exception):
    """So much was recorded about that moment that a look would keep everybody waiting."""


@frozen
class Instant:
    """A moment that was found: the last position of its past, and what the clock showed."""

    position: int
    at: int


@frozen
class Glimpse:
    """What was seen at `instant`: the last `messages`, whoever was `online`, totals, and the limits in force."""

    instant: Instant
    messages: Sequence[tuple[Message, Agent]]
    has_more: bool
    online: Sequence[Agent]
    total_agents: int
    total_messages: int
    limits: Limits


class Blocks:
    """A room's log, read in blocks of which a few are kept: whoever looks around in the past stays nearby."""

    def __init__(self, log: LogReader, room: Room) -> None:
        self._log = log
        self._room = room
        self._kept: OrderedDict[int, Sequence[Stored]] = OrderedDict()

    async def around(self, position: int) -> Sequence[Stored]:
        """The records of the block that holds `position`, as far as they are folded. Raises Unavailable."""
        number = (position - 1) // BLOCK
        block = self._kept.pop(number, None) or await self._read(number * BLOCK)
        if len(block) == BLOCK:
            self._kept[number] = block
        if len(self._kept) > BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return block

    async def _read(self, after: int) -> Sequence[Stored]:
        count = min(BLOCK, self._room.position - after)
        block = await self._log.read(after, count)
        if len(block) < count:
            raise replaced()
        return block


class Glimpses:
    """Looks at the past of a node's room. The log is read about a moment, and never from its beginning."""

    def __init__(self, node: Node, log: LogReader) -> None:
        self.room = node.room
        self._node = node
        self._blocks = Blocks(log, node.room)

    async def find(self, moment: Moment) -> Instant:
        """Where `chatr.past` finds it too. Raises NoSuchMoment or Unavailable."""
        if isinstance(moment, Time):
            return Instant(await self._last_by(moment.at), moment.at)
        if moment > self.room.position:
            await self._node.catch_up()
        return Instant(moment, await self._time_of(inside(self.room.position, moment)))

    async def _last_by(self, at: int) -> int:
        block = self.room.chronicle.block_by(at)
        if block is None:
            raise NoSuchMoment(TOO_EARLY)
        stored = await self._blocks.around(block.start)
        last = max((each.position for each in stored if each.at <= at), default=None)
        if last is None:
            raise replaced()
        return last

    async def _time_of(self, position: int) -> int:
        return (await self._blocks.around(position))[(position - 1) % BLOCK].at if position else 0

    async def look(self, instant: Instant, count: int) -> Glimpse:
        """The room as it was, with `count` messages. Raises TooMuchAtOnce or Unavailable."""
        room, position = self.room, instant.position
        page = room.history.page(None, position + 1, count)
        messages = await self._node.messages(page.positions)
        online = await self._online(instant)
        if room is not self._node.room:
            raise replaced()
        return Glimpse(
            instant,
            [(each, badged(room.agent(each.agent), position)) for each in messages],
            page.has_more,
            online,
            room.chronicle.agents_at(position),
            bisect_right(room.history.positions, position),
            room.chronicle.limits_at(position),
        )

    async def _online(self, instant: Instant) -> list[Agent]:
        """Whoever was there did something about then: nothing before that is read."""
        room, position = self.room, instant.position
        if position == room.position:
            return room.online(instant.at)
        limits = room.chronicle.limits_at(position)
        first = room.chronicle.first_within(instant.at - limits.reach, instant.at + limits.reach) or position + 1
        last: dict[str, Stored] = {}
        starts = range(first - (first - 1) % BLOCK, position + 1, BLOCK)
        if len(starts) > BLOCKS_READ:
            raise TooMuchAtOnce
        for start in starts:
            block = await self._blocks.around(start)
            last |= {each.stream: each for each in block[: position + 1 - start]}
        acted = agents(room, position, sorted(last.values(), key=lambda each: each.position))
        return [agent for agent in acted if agent.online(instant.at, limits)]


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
