"""POST and GET /api/messages."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web
from attrs import frozen

from chatr import to_wire, wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.admission.authentication import KEY_DIGEST
from chatr.adapters.http.endpoints.long_reads import LongReads
from chatr.adapters.http.endpoints.post_body import read_post
from chatr.adapters.http.endpoints.search import found_page
from chatr.adapters.http.endpoints.selected_messages import (
    NewMessageCheck,
    requested_selection,
    selected_page,
)
from chatr.adapters.http.endpoints.waiting import MAX_WAIT, catch_up, wait_until
from chatr.adapters.http.error_catalogue import MESSAGE_NOT_FOUND, http_error
from chatr.adapters.http.json_body import flag
from chatr.adapters.http.json_response import RESPONSE_HEADERS
from chatr.adapters.http.query_string import ID, after_cursor, cursor, number
from chatr.adapters.http.read_errors import SELECTION_TOO_SLOW
from chatr.adapters.http.text_response import text_response, wants_text
from chatr.domain.agent import Agent
from chatr.domain.commands import Post
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limits
from chatr.domain.policy.posting import reply_target_exists
from chatr.domain.rule import RuleViolated
from chatr.domain.selection import Selection
from chatr.domain.timestamps import iso_timestamp
from chatr.node.node import Node
from chatr.ports import Clock, Secrets
from chatr.wire.text_format import messages_text

# The sizes of pages are part of the API of chatr.ai.
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 100


@frozen
class MessageHandlers:
    """Handlers that post and read messages."""

    _node: Node
    _clock: Clock
    _secrets: Secrets
    _admission: Admission
    _reads: LongReads

    async def post(self, request: web.BaseRequest, agent: Agent) -> wire.PostResponse:
        """Post a message and return it. A repeated Idempotency-Key returns the message that it posted first."""
        try:
            command = await self._command(request, agent)
            handled = await self._node.commands.handle(command, request[KEY_DIGEST])
        finally:
            # Rejected posts carry the quota too, which shows that they did not use it.
            self._add_quota_headers(request, agent.id)
        if handled.already_recorded:
            request[RESPONSE_HEADERS]["Idempotency-Replayed"] = "true"
        # Read from the log: for a repeated key this is the message that was posted first, not that of this request.
        message = await self._message_at(handled.position)
        return wire.PostResponse(message=message, recipients=self._recipients(agent.id, handled.position))

    async def _command(self, request: web.BaseRequest, agent: Agent) -> Post:
        """Return the command of a request to post. Raises HttpError or RuleViolated."""
        body = await read_post(request)
        reply_to = reply_target(body)
        # Another node may have returned this id before this node has folded its record.
        if reply_to is not None and reply_to > self._node.room.position:
            await catch_up(self._node)
        key, automatic = request.headers.get("Idempotency-Key"), flag(body, "automatic")
        return Post(agent.id, body["content"], self._clock.now(), key, self._secrets.salt(), reply_to, automatic)

    def _recipients(self, author: AgentId, position: int) -> list[wire.Recipient]:
        """Return the agents that a message is addressed to."""
        room, now = self._node.room, self._clock.now()
        agents = map(room.agent, room.history.addressing.addressees(position, author))
        return [to_wire.recipient(each, online=each.is_online(now, room.rule_context.limits)) for each in agents]

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

    async def page(self, request: web.BaseRequest) -> wire.MessagesResponse | web.Response:
        """Return a page of messages, oldest first: those after `after`, those before `before`, or the newest.

        With `wait`, the request is held until there is a message after `after`. Raises HttpError (400, 401, 429, 503),
        RuleViolated or LogUnavailable.
        """
        after, before = after_cursor(request), cursor(request, "before")
        selection = await requested_selection(request, self._node, self._clock)
        limit = number(request, "limit", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        if "q" in request.query:
            page = await found_page(self._node, request, selection, after, before, limit)
        else:
            if after is not None and before is None:
                await self._wait(request, selection, after)
            async with self._reads.limited(request, SELECTION_TOO_SLOW) as pause:
                page = await selected_page(self._node.room, selection, after, before, limit, pause)
        room = self._node.room
        posted = await self._node.messages.read(page.positions)
        # Some may have been removed while they were read.
        shown = posted if selection.with_hidden else filter(room.history.shows, posted)
        found = [response_cache.message_now(room, each) for each in shown]
        if wants_text(request, request.query.get("format")):
            return text_response(messages_text(found, iso_timestamp(self._clock.now())[:10], has_more=page.has_more))
        return wire.MessagesResponse(messages=found, has_more=page.has_more)

    async def _wait(self, request: web.BaseRequest, selection: Selection, after: int) -> None:
        """Hold a request with `wait` until there is a message that it selects after `after`. Raises HttpError (429)."""
        seconds = number(request, "wait", 0, MAX_WAIT, minimum=0)
        limited = partial(self._reads.limited, request, SELECTION_TOO_SLOW)
        is_there = NewMessageCheck(lambda: self._node.room, limited, selection, after)
        await wait_until(is_there, request, seconds, self._node.follower, self._admission)

    async def one(self, request: web.BaseRequest) -> wire.MessageResponse:
        """Return one message, without its text if it was removed. Raises HttpError (404) or LogUnavailable."""
        return wire.MessageResponse(message=await self._message_at(await known_position(self._node, request)))

    async def _message_at(self, position: int) -> wire.Message:
        """Return the message at this position, without its text if it is hidden. Raises LogUnavailable."""
        room = self._node.room
        (posted,) = await self._node.messages.read([position])
        return response_cache.message_now(room, posted)


async def known_position(node: Node, request: web.BaseRequest) -> int:
    """Return the id of a message at the end of a request's path. Raises HttpError (404) if there is no such message."""
    text = request.rel_url.path_safe.rpartition("/")[2]
    position = int(text) if ID.fullmatch(text) else 0
    # Another node may have returned this id before this node has folded its record.
    if position > node.room.position:
        await catch_up(node)
    if not node.room.rule_context.is_message(position):
        raise http_error(MESSAGE_NOT_FOUND)
    return position


def reply_target(body: Mapping[str, Any]) -> int | None:
    """Return the position in `replyTo`, None without one. Raises RuleViolated for what is no id of a message."""
    given = body.get("replyTo")
    if given is None:
        return None
    # Ids are strings, but a program may well have made a number of one.
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not ID.fullmatch(text):
        raise RuleViolated(reply_target_exists, Limits(), {})
    return int(text)
