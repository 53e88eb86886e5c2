"""GET /api/at: the room as it was at a moment. GET /api/activity: counts of messages over time."""

import asyncio
from collections import OrderedDict
from typing import Final

from aiohttp import web

from chatr import to_wire, wire
from chatr.adapters.http.endpoints import agents, messages
from chatr.adapters.http.error_catalogue import NO_SUCH_MOMENT, STORE_RETRY_SECONDS, TOO_MUCH_AT_ONCE, http_error
from chatr.adapters.http.json_response import encode, json_response
from chatr.adapters.http.query_string import moment, number, time_range
from chatr.adapters.http.read_errors import READ_OVERLOADED
from chatr.domain.message_times import MAX_BUCKETS, Activity
from chatr.domain.room import Room
from chatr.domain.time_index import BLOCK_SIZE
from chatr.domain.timestamps import iso_timestamp
from chatr.node.node import Node
from chatr.past.replay import NoSuchMoment
from chatr.past.room_at import MAX_BLOCKS_READ, ResolvedMoment, RoomView, RoomViews, TooManyRecords
from chatr.ports import LogReader

MAX_CONCURRENT: Final = 2
"""Requests about the past that are handled at a time. Others wait, as live requests need the store and the loop too."""
TIME_LIMIT: Final = 5.0
"""Seconds for a request about the past, including the wait for one of the MAX_CONCURRENT slots."""
RESPONSES_CACHED: Final = 64
"""Encoded responses that are cached: readers who move through the past often return to the same moments."""


class RoomAtHandlers:
    """Handlers about the past of the room."""

    def __init__(self, node: Node, log: LogReader, time_limit: float = TIME_LIMIT) -> None:
        self._node = node
        self._log = log
        self._time_limit = time_limit
        self._past = self._new_past()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        # In order of use: the first is the least recently used one, which is removed first.
        self._responses: OrderedDict[tuple[ResolvedMoment, int], bytes] = OrderedDict()
        # How many removals and restorations the responses show, and the last change of who is verified.
        self._shown = (0, 0)

    def forget_texts(self) -> None:
        """Forget responses and records that were read, because texts were erased."""
        self._past = self._new_past()
        self._responses.clear()

    async def at(self, request: web.BaseRequest) -> web.Response:
        """Return the room at the position or time in the query string."""
        requested, count = moment(request), number(request, "limit", messages.MAX_PAGE_SIZE, messages.MAX_PAGE_SIZE)
        try:
            # The time-out first: waiting for a slot counts, or requests would queue without end.
            async with asyncio.timeout(self._time_limit), self._slots:
                past = self._current_past()
                resolved = await past.resolve(requested)
                return json_response(await self._encoded_room(past, resolved, count))
        except TimeoutError as error:
            raise http_error(READ_OVERLOADED, retryAfter=STORE_RETRY_SECONDS) from error
        except TooManyRecords as error:
            raise http_error(TOO_MUCH_AT_ONCE, limit=MAX_BLOCKS_READ * BLOCK_SIZE) from error
        except NoSuchMoment as error:
            raise http_error(NO_SUCH_MOMENT, head=self._node.room.position) from error

    def _new_past(self) -> RoomViews:
        # The text of TOO_MUCH_AT_ONCE names the same limit.
        return RoomViews(self._node, self._log, max_blocks_read=MAX_BLOCKS_READ)

    def _current_past(self) -> RoomViews:
        """Return the past of the log that the node follows now. After the log was replaced, it is made anew."""
        if self._past.room is not self._node.room:
            self._past = self._new_past()
            self._responses.clear()
        return self._past

    async def _encoded_room(self, past: RoomViews, resolved: ResolvedMoment, count: int) -> bytes:
        """Return the encoded response for a moment. It is cached until a removal or a withdrawn badge changes it."""
        room = self._node.room
        if (shown := (len(room.history.removals.changes), room.verification_position)) != self._shown:
            self._shown = shown
            self._responses.clear()
        body = self._responses.pop((resolved, count), None) or encode(
            response(await past.view(resolved, count, agents.MAX_PAGE_SIZE), past.room)
        )
        # Both may have changed while the log was read.
        if shown == self._shown:
            self._responses[resolved, count] = body
        if len(self._responses) > RESPONSES_CACHED:
            self._responses.popitem(last=False)
        return body

    async def activity(self, request: web.BaseRequest) -> web.Response:
        """Return the numbers of messages in at most so many buckets. Raises HttpError (400)."""
        times, buckets = self._node.room.history.times, number(request, "buckets", MAX_BUCKETS, MAX_BUCKETS)
        start, end = time_range(request)
        if start is None or end is None:
            activity = times.activity(buckets, end)
        else:
            activity = times.activity_between(start, end, buckets)
        return json_response(encode(activity_response(activity)))


def response(view: RoomView, room: Room) -> wire.RoomAtResponse:
    """Return a view of a room as a response."""
    return wire.RoomAtResponse(
        position=view.moment.position,
        time=iso_timestamp(view.moment.at),
        messages=[to_wire.message_in(room, *each) for each in view.messages],
        has_more=view.has_more,
        agents=[to_wire.agent(agent, online=True) for agent in view.online],
        stats=wire.Stats(
            total_agents=view.total_agents, online_agents=view.total_online, total_messages=view.total_messages
        ),
        limits=to_wire.limits(view.limits),
    )


def activity_response(activity: Activity) -> wire.ActivityResponse:
    """Return counts of messages as a response. Their start is null as long as there are none."""
    start = iso_timestamp(activity.start) if activity.counts else None
    return wire.ActivityResponse(from_=start, seconds=activity.seconds, messages=activity.counts)
