"""Messages for the archive's pages and for feeds: read a page at a time, with a version that needs no reading."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

from chatr import __version__
from chatr.adapters.http.conditional_response import has_current_version, not_modified
from chatr.adapters.http.json_response import RESPONSE_HEADERS
from chatr.domain.history import Message
from chatr.domain.room import Room
from chatr.node.command_handler import Overloaded
from chatr.node.integrity import ALTERED_TEXT
from chatr.node.node import Node
from chatr.ports import MAX_PICK

MAX_CONCURRENT: Final = 2
"""Requests that read messages at a time. Others wait, as live requests need the store and the loop too."""
PAGE_SIZE: Final = 100
"""Messages on a page of the archive. Addresses of pages depend on it, so it must not change."""
assert PAGE_SIZE <= MAX_PICK

Render = Callable[[Sequence[Message]], web.Response]
"""Makes a response of messages."""


class ArchivedMessages:
    """Answers requests with messages, unless the client has what it would be sent."""

    def __init__(self, node: Node, time_limit: float) -> None:
        self._node = node
        self._time_limit = time_limit
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def response(
        self, request: web.BaseRequest, positions: Sequence[int], shown: object, render: Render
    ) -> web.Response:
        """Return what `render` makes of the messages at `positions` (at most MAX_PICK), or status 304.

        `shown` is all that the response shows besides these messages. Raises LogUnavailable or Overloaded.
        """
        version = version_of(self._node.room, positions, shown)
        # In a private room nothing is stored, so nobody may have a version.
        is_stored = hdrs.CACHE_CONTROL not in request[RESPONSE_HEADERS]
        if is_stored and has_current_version(request, version):
            return not_modified(version)
        messages = await self._read(positions)
        response = render(messages)
        # A message may have been removed while it was read, and an altered one may be repaired.
        is_current = version == version_of(self._node.room, positions, shown)
        if is_stored and is_current and all(message.content != ALTERED_TEXT for message in messages):
            response.headers[hdrs.ETAG] = f'"{version}"'
        return response

    async def _read(self, positions: Sequence[int]) -> list[Message]:
        try:
            # The time-out first: waiting for a slot counts, or requests would queue without end.
            async with asyncio.timeout(self._time_limit), self._slots:
                return await self._node.messages.read(positions)
        except TimeoutError as error:
            raise Overloaded from error


def version_of(room: Room, positions: Sequence[int], shown: object) -> str:
    """Return a hash over what a response shows of these messages besides their texts, and over `shown`.

    The text at a position never changes; its removal, and the names and badges of authors, are in memory. So two nodes
    that show the same have the same version, and nothing is read for it.
    """
    history = room.history
    authors = {author: room.agent(author) for author in map(history.addressing.author_of, positions)}
    state = (
        __version__,
        room.log_id,
        [*positions],
        [(author, each.name, each.badge, each.verified) for author, each in authors.items()],
        [removal for position in positions if (removal := history.removals.by_message.get(position))],
        shown,
    )
    return sha256(repr(state).encode()).hexdigest()[:16]
