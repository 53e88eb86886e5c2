"""The room at an earlier moment, without folding its log again.

Most of it is in the room's memory: message positions, registrations, limits. Who was online is decided by the records
shortly before the moment, and only those are read. docs/decisions/moments.md has the reasons.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Final

from attrs import evolve, frozen

from chatr.codec import MESSAGE_TYPE
from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.limits import Limits
from chatr.domain.removals import Removal
from chatr.domain.time_index import BLOCK_SIZE
from chatr.node.node import Node
from chatr.past.messages_then import last_shown, messages_then, without_later_badge
from chatr.past.online_at import ACTIVE, LastSeen, last_seen_in, last_seen_now, online_at
from chatr.past.replay import TOO_EARLY, Moment, NoSuchMoment, Timestamp, check_position
from chatr.ports import LogReader, LogUnavailable, RecordAltered, Stored

BLOCKS_CACHED: Final = 16
"""Blocks of records in memory. People who look at the past move from a moment to others nearby."""
LAST_SEEN_CACHED: Final = 500
"""Blocks of which a summary is cached, when each agent was last seen: 8 MB at most, for half a million records."""
MAX_BLOCKS_READ: Final = 200
"""Blocks that are read for one view: 200,000 records, or half an hour of a hundred records a second. More are needed
where `online_for` is days long, or where a wrong clock gave records far apart in the log times near the moment: all
records between them are read.
"""


class TooManyRecords(Exception):
    """So many records lie around that moment that reading them would keep other requests waiting."""


@frozen
class ResolvedMoment:
    """A moment that exists: the position of its last record, and the time in milliseconds since 1970."""

    position: int
    at: int


@frozen
class RoomView:
    """The room at `moment`: the last messages with their authors, the online agents, totals, and the limits in force.

    `messages` are oldest first, and `has_more` is true if there are older ones; those that were removed later have the
    removal beside them. `online` are the first online agents by name, of `total_online`. `total_messages` counts
    what is shown now.
    """

    moment: ResolvedMoment
    messages: Sequence[tuple[Message, Agent, Removal | None]]
    has_more: bool
    online: Sequence[Agent]
    total_online: int
    total_agents: int
    total_messages: int
    limits: Limits


class RecordBlocks:
    """Reads a room's log in blocks of `BLOCK_SIZE` records and caches the blocks that were used last."""

    def __init__(self, log: LogReader, node: Node, max_cached: int) -> None:
        self._log = log
        self._room = node.room
        self._integrity = node.integrity
        self._max_cached = max_cached
        self._cache: OrderedDict[int, Sequence[Stored]] = OrderedDict()
        self._last_seen: OrderedDict[int, LastSeen] = OrderedDict()

    async def block_of(self, position: int) -> Sequence[Stored]:
        """The records of the block that holds `position`, as far as they are folded. Raises LogUnavailable."""
        number = (position - 1) // BLOCK_SIZE
        block = self._cache.pop(number, None) or await self._read(number * BLOCK_SIZE)
        # The last block of the log still grows.
        if len(block) == BLOCK_SIZE:
            self._cache[number] = block
        if len(self._cache) > self._max_cached:
            self._cache.popitem(last=False)
        return block

    async def last_seen(self, start: int, until: int) -> LastSeen:
        """When agents were last seen in the block that begins at `start`, up to position `until`.

        Raises LogUnavailable.
        """
        # Part of a block is summed up each time: a moment's last block is at hand anyway, for its records.
        if until < start + BLOCK_SIZE - 1:
            return last_seen_in(self._room, (await self.block_of(start))[: until + 1 - start])
        summary = self._last_seen.pop(start, None)
        if summary is None:
            summary = last_seen_in(self._room, await self.block_of(start))
        self._last_seen[start] = summary
        if len(self._last_seen) > LAST_SEEN_CACHED:
            self._last_seen.popitem(last=False)
        return summary

    async def _read(self, after: int) -> Sequence[Stored]:
        """The folded records of the block after position `after`. Raises RecordAltered or LogUnavailable."""
        count = min(BLOCK_SIZE, self._room.position - after)
        block = await self._log.read(after, count)
        if len(block) < count or block[-1].position != after + count:
            raise log_replaced_error()
        for each in block:
            if not self._is_usable(each):
                self._integrity.report(each.position)
                raise RecordAltered(each.position)
        return [without_text(each) for each in block]

    def _is_usable(self, stored: Stored) -> bool:
        """Whether the record is intact, or nothing is read of it that could fail because it was altered."""
        # Nearly all are not decoded, and need no more than an agent that the room knows.
        agent = AgentId(stored.stream.removeprefix(AGENT_STREAM))
        return (stored.type in ACTIVE and agent in self._room.agents) or stored.is_intact


class RoomViews:
    """Makes views of a node's room at earlier moments. What it reads of the log does not grow with the log's length.

    It is valid for one room: after the log was replaced, `node.room` is another one and every view raises
    LogUnavailable.
    """

    def __init__(
        self,
        node: Node,
        log: LogReader,
        *,
        blocks_cached: int = BLOCKS_CACHED,
        max_blocks_read: int = MAX_BLOCKS_READ,
    ) -> None:
        self.room = node.room
        self._node = node
        self._blocks = RecordBlocks(log, node, blocks_cached)
        self._max_blocks_read = max_blocks_read

    async def resolve(self, moment: Moment) -> ResolvedMoment:
        """The position and time of a moment, which is a position or a time.

        For a time the position is the last one whose record is not later. Raises NoSuchMoment or LogUnavailable.
        """
        if isinstance(moment, Timestamp):
            return ResolvedMoment(await self._last_position_until(moment.at), moment.at)
        # Another node may have returned this position to its client before this node has folded it.
        if moment > self.room.position:
            await self._node.follower.catch_up()
        return ResolvedMoment(moment, await self._time_of(check_position(self.room.position, moment)))

    async def _last_position_until(self, at: int) -> int:
        """The last position whose record is not later than `at`. Raises NoSuchMoment or LogUnavailable."""
        block = self.room.time_index.block_of_last_record_until(at)
        if block is None:
            raise NoSuchMoment(TOO_EARLY)
        stored = await self._blocks.block_of(block.start)
        last = max((each.position for each in stored if each.at <= at), default=None)
        if last is None:
            raise log_replaced_error()
        return last

    async def _time_of(self, position: int) -> int:
        """The time of the record at `position`, in milliseconds since 1970; 0 for position 0. Raises LogUnavailable."""
        return (await self._blocks.block_of(position))[(position - 1) % BLOCK_SIZE].at if position else 0

    async def view(self, moment: ResolvedMoment, message_count: int, agent_count: int) -> RoomView:
        """The room at `moment`, with its last messages and the first online agents, so many at most.

        Raises TooManyRecords or LogUnavailable.
        """
        room, position = self.room, moment.position
        positions, has_more = await last_shown(room.history, position, message_count)
        messages = await self._node.messages.read(positions)
        limits = room.time_index.limits_at(position)
        online = await online_at(room, moment.at, limits, self._last_seen(moment, limits), agent_count)
        # If the log was replaced while this waited, part of what was read is from the new log.
        if room is not self._node.room:
            raise log_replaced_error()
        return RoomView(
            moment,
            list(messages_then(room, messages, position)),
            has_more,
            [evolve(without_later_badge(room.agent(agent), position), last_seen=at) for agent, at in online.first],
            online.count,
            room.time_index.agent_count_at(position),
            room.history.visible_count_until(position),
            limits,
        )

    async def _last_seen(self, moment: ResolvedMoment, limits: Limits) -> AsyncIterator[LastSeen]:
        """Yield when agents were last seen, of all that may have been online. Raises TooManyRecords or LogUnavailable.

        An agent is online if its last record is within `presence_window` of the moment and is not a leave. So all
        blocks are read from that of the first record with such a time up to the moment's position.
        """
        position, window = moment.position, limits.presence_window
        first = self.room.time_index.first_position_between(moment.at - window, moment.at + window) or position + 1
        starts = range(first - (first - 1) % BLOCK_SIZE, position + 1, BLOCK_SIZE)
        if len(starts) <= self._max_blocks_read:
            for start in starts:
                yield await self._blocks.last_seen(start, position)
        elif position == self.room.position:
            for block in last_seen_now(self.room):
                yield block
        else:
            # Before anything is read, so that it costs nothing. A view is complete or an error, never an approximation.
            raise TooManyRecords


def without_text(stored: Stored) -> Stored:
    """The record as a block holds it: of messages only the times are needed, and their texts may be erased."""
    if stored.type != MESSAGE_TYPE:
        return stored
    # By position and not with `evolve`, which takes five times as long: a view may need thousands of records.
    return Stored(
        stored.id,
        stored.stream,
        stored.type,
        stored.at,
        stored.decided_at_position,
        "",
        stored.position,
        stored.previous,
        stored.record_hash,
    )


def log_replaced_error() -> LogUnavailable:
    """The error for a log that is not the one that was folded. The node notices it too and reads the log again."""
    return LogUnavailable("the log was replaced")
