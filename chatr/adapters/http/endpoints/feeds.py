"""GET /feed.xml and /feed.json: the newest messages for feed readers; the same of one agent below /agents/{name}."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.conditional_response import content_response
from chatr.adapters.http.endpoints.archived_messages import ArchivedMessages
from chatr.adapters.http.endpoints.selected_messages import registered_agent
from chatr.adapters.http.page.feed_documents import Feed, atom, json_feed
from chatr.adapters.http.query_string import cursor
from chatr.domain.agent import Agent
from chatr.domain.history import Message, Page
from chatr.node.node import Node

CONTENT_TYPES: Final = {"xml": "application/atom+xml", "json": "application/feed+json"}
ENTRIES: Final = 50
"""Messages in a feed."""


@frozen
class FeedHandlers:
    """Handlers that return feeds with links to the room at its public address `url`."""

    _node: Node
    _messages: ArchivedMessages
    _url: str

    async def atom(self, request: web.BaseRequest) -> web.Response:
        """Return the newest messages as Atom. Raises HttpError (503) or LogUnavailable."""
        return await self._feed(request, "xml", None)

    async def json(self, request: web.BaseRequest) -> web.Response:
        """Return the newest messages as JSON Feed. Raises HttpError (503) or LogUnavailable."""
        return await self._feed(request, "json", None)

    async def agent_atom(self, request: web.BaseRequest) -> web.Response:
        """Return the newest messages of an agent as Atom. Raises RuleViolated, HttpError (503) or LogUnavailable."""
        return await self._feed(request, "xml", await self._agent(request))

    async def agent_json(self, request: web.BaseRequest) -> web.Response:
        """Return the newest messages of an agent as JSON Feed. Raises as `agent_atom`."""
        return await self._feed(request, "json", await self._agent(request))

    async def _agent(self, request: web.BaseRequest) -> Agent:
        return await registered_agent(self._node, request.rel_url.path_safe.split("/")[-2])

    async def _feed(self, request: web.BaseRequest, form: str, author: Agent | None) -> web.Response:
        room, before = self._node.room, cursor(request, "before")
        page = room.history.page(None, before, ENTRIES) if author is None else self._page_of(author, before)
        older = page.positions[0] if page.has_more else None
        feed = Feed(room, self._url, form, None if author is None else author.name, before, older)

        def response(messages: Sequence[Message]) -> web.Response:
            # Some may have been removed while they were read.
            shown = [each for each in reversed(messages) if room.history.shows(each)]
            document = atom(feed, shown) if form == "xml" else json_feed(feed, shown)
            return content_response(document, CONTENT_TYPES[form])

        return await self._messages.response(request, page.positions, (feed.address, older), response)

    def _page_of(self, author: Agent, before: int | None) -> Page:
        """Return the last messages of an agent before a position."""
        positions = self._node.room.history.addressing.by_author.of(author.id)
        end = len(positions) if before is None else bisect_left(positions, before)
        start = max(end - ENTRIES, 0)
        return Page(positions[start:end], start > 0)
