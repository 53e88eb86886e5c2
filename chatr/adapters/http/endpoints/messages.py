"""POST and GET /api/messages."""

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr import to_wire, wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.admission.authentication import KEY_DIGEST
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.error_catalogue import MESSAGE_NOT_FOUND, http_error
from chatr.adapters.http.json_body import read_object, text_field
from chatr.adapters.http.json_response import RESPONSE_HEADERS
from chatr.adapters.http.query_string import ID, cursor, number
from chatr.domain.agent import Agent
from chatr.domain.commands import Post
from chatr.domain.identity import AgentId
from chatr.domain.policy.posting import content_fits
from chatr.node.node import Node
from chatr.ports import Clock, Secrets

# The sizes of pages are part of the API of chatr.ai.
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 100
MAX_WAIT: Final = 25
"""Seconds for which a request may wait for a message. Many clients give up on any request after 60 seconds."""


@frozen
class MessageHandlers:
    """Handlers that post and read messages."""

    _node: Node
    _clock: Clock
    _secrets: Secrets
    _admission: Admission

    async def post(self, request: web.BaseRequest, agent: Agent) -> wire.PostResponse:
        """Post a message and return it. A repeated Idempotency-Key returns the message that it posted first."""
        try:
            content = text_field(await read_object(request), "content", content_fits)
            key = request.headers.get("Idempotency-Key")
            command = Post(agent.id, content, self._clock.now(), key, self._secrets.salt())
            handled = await self._node.commands.handle(command, request[KEY_DIGEST])
        finally:
            # Rejected posts carry the quota too, which shows that they did not use it.
            self._add_quota_headers(request, agent.id)
        if handled.already_recorded:
            request[RESPONSE_HEADERS]["Idempotency-Replayed"] = "true"
        # Read from the log: for a repeated key this is the message that was posted first, not that of this request.
        return wire.PostResponse(message=await self._message_at(handled.position))

    def _add_quota_headers(self, request: web.BaseRequest, agent_id: AgentId) -> None:
        """Set the headers of the response to the agent's quota and the rest of it, before any other header is added.

        They follow draft-ietf-httpapi-ratelimit-headers-11.
        """
        room = self._node.room
        quota = to_wire.message_quota(room.agent(agent_id), room.rule_context.limits, self._clock.now())
        request[RESPONSE_HEADERS] |= {
            "RateLimit-Policy": f'"messages";q={quota.limit};w={quota.window}',
            "RateLimit": f'"messages";r={quota.remaining};t={quota.reset_in}',
        }

    async def page(self, request: web.BaseRequest) -> wire.MessagesResponse:
        """Return a page of messages, oldest first: those after `after`, those before `before`, or the newest.

        With `wait`, the request is held until there is a message after `after`. Raises HttpError (400, 429) or
        LogUnavailable.
        """
        # `since` is an alias of `after` that clients of chatr.ai use.
        after, before = cursor(request, "after", "since"), cursor(request, "before")
        if after is not None and before is None:
            await self._wait(request, after, number(request, "wait", 0, MAX_WAIT, minimum=0))
        page = self._node.room.history.page(after, before, number(request, "limit", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE))
        room = self._node.room
        posted = await self._node.messages.read(page.positions)
        # Some may have been removed while they were read.
        shown = [response_cache.message_now(room, each) for each in posted if room.history.shows(each)]
        return wire.MessagesResponse(messages=shown, has_more=page.has_more)

    async def one(self, request: web.BaseRequest) -> wire.MessageResponse:
        """Return one message, without its text if it was removed. Raises HttpError (404) or LogUnavailable."""
        text = request.rel_url.path_safe.rpartition("/")[2]
        position = int(text) if ID.fullmatch(text) else 0
        # Another node may have returned this id before this node has folded its record.
        if position > self._node.room.position:
            await self._node.follower.catch_up()
        if not self._node.room.rule_context.is_message(position):
            raise http_error(MESSAGE_NOT_FOUND)
        return wire.MessageResponse(message=await self._message_at(position))

    async def _wait(self, request: web.BaseRequest, after: int, seconds: int) -> None:
        """Wait for a message after position `after`, for at most so many seconds. Raises HttpError."""
        follower, connection = self._node.follower, request.protocol
        if not seconds or follower.has_message_after(after):
            return
        assert isinstance(connection, Connection)
        # A waiting request holds a connection as a stream does, so it uses one of the address's stream slots.
        with self._admission.hold_stream_slot(request), suppress(TimeoutError):
            async with asyncio.timeout(seconds) as limit:
                with connection.ends(limit):
                    await follower.wait_for_message_after(after)

    async def _message_at(self, position: int) -> wire.Message:
        """Return the message at this position, without its text if it is hidden. Raises LogUnavailable."""
        room = self._node.room
        (posted,) = await self._node.messages.read([position])
        return response_cache.message_now(room, posted)
