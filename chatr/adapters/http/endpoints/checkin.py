"""POST /api/checkin: what is new for an agent since the position that it acknowledged."""

from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr import to_wire, wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.endpoints.waiting import MAX_WAIT, catch_up, wait_until
from chatr.adapters.http.error_catalogue import INVALID_ACK, MISSPELT_ACK, http_error
from chatr.adapters.http.json_body import clamped_number, misspelt_field, read_optional_object
from chatr.adapters.http.query_string import log_cursor
from chatr.adapters.http.text_response import text_response, wants_text
from chatr.domain.agent import Agent
from chatr.domain.commands import Heartbeat
from chatr.domain.events import Cursor
from chatr.domain.identity import AgentId
from chatr.domain.inbox import Inbox, inbox
from chatr.domain.limits import SECOND, Limits
from chatr.domain.rule import RuleViolated
from chatr.domain.timestamps import iso_timestamp
from chatr.node.command_handler import Overloaded
from chatr.node.node import Node
from chatr.ports import Clock, LogReader, LogUnavailable, OutcomeUnknown
from chatr.wire.text_format import check_in_text

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
ACK_SPELLINGS: Final = ("cursor", "lastcursor", "ackcursor", "acknowledge", "acknowledged", "after", "since")
"""Fields that can mean nothing but `ack`, in small letters and without separators."""
CHECK_IN_MARGIN: Final = 10
"""Seconds by which `nextCheckIn` is shorter than the interval at which activity is recorded, but at most by half of it.

So only every second check-in appends a record. The agent stays online, also if it is a little late.
"""


@frozen
class CheckInHandlers:
    """Handles check-ins."""

    _node: Node
    _clock: Clock
    _log: LogReader
    _admission: Admission

    async def check_in(self, request: web.BaseRequest, agent: Agent) -> wire.CheckInResponse | web.Response:
        """Return what is new for the agent, and record its activity and its acknowledgement.

        A visible message that is addressed to the agent is returned until it is acknowledged. With `wait`, the request
        is held until something is new. Raises HttpError (400, 429) or LogUnavailable, and the errors of
        `CommandHandler.handle` if the acknowledgement cannot be stored.
        """
        # Scripts put them into the address, where an acknowledgement must not get lost.
        body = {**request.query, **await read_optional_object(request)}
        limit = clamped_number(body, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
        # Unknown fields are ignored. Without this one an agent would be shown the same messages for ever.
        if body.get("ack") is None and (misspelt := misspelt_field(body, "ack", ACK_SPELLINGS)):
            raise http_error(MISSPELT_ACK, field=misspelt)
        read = await self._acknowledged(body.get("ack"))
        await self._record(agent.id, read)

        async def has_news() -> bool:
            found = self._inbox(agent.id, read, limit)
            return bool(found.addressed or found.others or found.skipped)

        wait = clamped_number(body, "wait", 0, 0, MAX_WAIT)
        await wait_until(has_news, request, wait, self._node.follower, self._admission)
        response = await self._response(agent.id, read, limit)
        if wants_text(request, body.get("format")):
            return text_response(check_in_text(response, iso_timestamp(self._clock.now())[:10]))
        return response

    async def _acknowledged(self, ack: object) -> int:
        """Return the position of the cursor `ack`; 0 if there is none. Raises HttpError (400) if it is invalid."""
        # A shell script that has no cursor yet sends an empty string.
        if ack in (None, ""):
            return 0
        cursor = log_cursor(ack) if isinstance(ack, str) else None
        if cursor is None or not await self._is_of_this_log(cursor):
            raise http_error(INVALID_ACK)
        return cursor.position

    async def _is_of_this_log(self, cursor: Cursor) -> bool:
        # Another node may have returned this cursor before this node has folded its record.
        if cursor.position > self._node.room.position:
            await catch_up(self._node)
        if not 0 < cursor.position <= self._node.room.position:
            return False
        (stored,) = await self._log.pick([cursor.position])
        return stored.cursor == cursor

    async def _record(self, agent: AgentId, read: int) -> None:
        """Record that the agent is active, and what it acknowledges.

        Raises the errors of `CommandHandler.handle` only if the acknowledgement passes a message.
        """
        history, before = self._node.room.history, self._node.room.agent(agent).read
        # An acknowledgement that passes no message is not stored, to save space in the log.
        passes = history.visible_count_until(read) > history.visible_count_until(before)
        heartbeat = Heartbeat(agent, self._clock.now(), read if passes else 0)
        # A suspended agent may still read, although its activity is not recorded.
        with suppress(RuleViolated):
            if passes:
                await self._node.commands.handle(heartbeat)
                return
            # The response is correct even if the activity is not recorded.
            with suppress(LogUnavailable, OutcomeUnknown, Overloaded):
                await self._node.commands.handle(heartbeat)

    def _inbox(self, agent: AgentId, read: int, limit: int) -> Inbox:
        """Return what is new after `read` or after the recorded acknowledgement, whichever is later."""
        room = self._node.room
        return inbox(room.history, agent, max(room.agent(agent).read, read), room.position, limit)

    async def _response(self, agent_id: AgentId, read: int, limit: int) -> wire.CheckInResponse:
        """Return the response. Raises LogUnavailable."""
        # Computed again: the room has changed while the request waited.
        room, found = self._node.room, self._inbox(agent_id, read, limit)
        # Taken before the texts are read: the room may fold further messages meanwhile.
        room_cursor = room.cursor
        # Two reads, because a log returns no more than a hundred records at a time.
        addressed = await self._node.messages.read(found.addressed)
        others = await self._node.messages.read(found.others)
        agent, now, limits = room.agent(agent_id), self._clock.now(), room.rule_context.limits
        # If there are more addressed messages, the next check-in continues after the last one of these.
        cursor = addressed[-1].cursor if found.has_more else room_cursor
        return wire.CheckInResponse(
            you=wire.You(name=agent.name, verified=agent.verified),
            addressed=[response_cache.message_now(room, each) for each in addressed if room.history.shows(each)],
            others=[response_cache.message_now(room, each) for each in others if room.history.shows(each)],
            skipped=found.skipped,
            has_more=found.has_more,
            cursor=str(cursor),
            limits=to_wire.agent_limits(agent, limits, now),
            next_check_in=0 if found.has_more else next_check_in(limits),
        )


def next_check_in(limits: Limits) -> int:
    """Return the seconds after which an agent should check in again."""
    interval = limits.activity_interval // SECOND
    return max(1, interval - min(CHECK_IN_MARGIN, interval // 2))
