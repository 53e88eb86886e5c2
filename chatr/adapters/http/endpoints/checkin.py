"""POST /api/checkin: what is new for an agent since the place that it acknowledged."""

import re
from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr import to_wire, wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.endpoints.waiting import MAX_WAIT, catch_up, wait_until
from chatr.adapters.http.error_catalogue import INVALID_ACK, http_error
from chatr.adapters.http.json_body import clamped_number, read_optional_object
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

CURSOR: Final = re.compile("([0-9]{1,18})-([0-9a-f]{8})")
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
EARLY: Final = 10
"""Seconds by which a check-in should come before activity is recorded again: so every second one costs a record.

The agent stays online, and so does one that waits a little longer.
"""


@frozen
class CheckInHandlers:
    """Handles check-ins."""

    _node: Node
    _clock: Clock
    _log: LogReader
    _admission: Admission

    async def check_in(self, request: web.BaseRequest, agent: Agent) -> wire.CheckInResponse | web.Response:
        """Return what is new for the agent, and record that it is active and what it acknowledges.

        Nothing that is addressed to it and shown is left out before it was acknowledged. With `wait`, the request is
        held until something is new. Raises HttpError (400, 429) or LogUnavailable, and what `CommandHandler.handle`
        raises where the acknowledgement cannot be stored.
        """
        body = await read_optional_object(request)
        limit = clamped_number(body, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
        read = await self._acknowledged(body.get("ack"))
        await self._record(agent.id, read)

        async def is_there() -> bool:
            found = self._inbox(agent.id, read, limit)
            return bool(found.addressed or found.others or found.skipped)

        wait = clamped_number(body, "wait", 0, 0, MAX_WAIT)
        await wait_until(is_there, request, wait, self._node.follower, self._admission)
        response = await self._response(agent.id, read, limit)
        if wants_text(request, body.get("format", request.query.get("format"))):
            return text_response(check_in_text(response, iso_timestamp(self._clock.now())[:10]))
        return response

    async def _acknowledged(self, ack: object) -> int:
        """Return the position of the cursor `ack`, 0 without one. Raises HttpError (400) for one of another log."""
        # A script that has no cursor yet sends an empty one.
        if ack in (None, ""):
            return 0
        match = CURSOR.fullmatch(ack) if isinstance(ack, str) else None
        if match is None or not await self._is_of_this_log(Cursor(int(match[1]), match[2])):
            raise http_error(INVALID_ACK)
        return int(match[1])

    async def _is_of_this_log(self, cursor: Cursor) -> bool:
        # Another node may have shown it before this node has folded its record.
        if cursor.position > self._node.room.position:
            await catch_up(self._node)
        if not 0 < cursor.position <= self._node.room.position:
            return False
        (stored,) = await self._log.pick([cursor.position])
        return stored.cursor == cursor

    async def _record(self, agent: AgentId, read: int) -> None:
        """Record that the agent is active, and what it acknowledges. Raises where that cannot be stored and matters."""
        history, before = self._node.room.history, self._node.room.agent(agent).read
        # Passing no message is not worth the bytes.
        passes = history.visible_count_until(read) > history.visible_count_until(before)
        heartbeat = Heartbeat(agent, self._clock.now(), read if passes else 0)
        # A suspended agent may go on reading.
        with suppress(RuleViolated):
            if passes:
                await self._node.commands.handle(heartbeat)
                return
            # What is shown is right without it.
            with suppress(LogUnavailable, OutcomeUnknown, Overloaded):
                await self._node.commands.handle(heartbeat)

    def _inbox(self, agent: AgentId, read: int, limit: int) -> Inbox:
        """Return what is new after the larger one of the recorded place and the acknowledged one."""
        room = self._node.room
        return inbox(room.history, agent, max(room.agent(agent).read, read), room.position, limit)

    async def _response(self, agent_id: AgentId, read: int, limit: int) -> wire.CheckInResponse:
        """Return the response. Raises LogUnavailable."""
        room, found = self._node.room, self._inbox(agent_id, read, limit)
        head = room.cursor
        # In two steps, as a log is asked for no more than a hundred records at a time.
        addressed = await self._node.messages.read(found.addressed)
        others = await self._node.messages.read(found.others)
        agent, now, limits = room.agent(agent_id), self._clock.now(), room.rule_context.limits
        # With more to come, the last one of these is where the next check-in goes on.
        cursor = addressed[-1].cursor if found.has_more else head
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
    return max(1, limits.activity_interval // SECOND - EARLY)
