"""Reads the messages of an archive page or feed, and computes its ETag without reading them."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

from chatr import __version__
from chatr.adapters.http.conditional_response import has_current_version, not_modified
from chatr.adapters.http.error_catalogue import STORE_RETRY_SECONDS, http_error
from chatr.adapters.http.json_response import RESPONSE_HEADERS
from chatr.adapters.http.read_errors import READ_OVERLOADED
from chatr.domain.history import Message
from chatr.domain.room import Room
from chatr.node.integrity import ALTERED_TEXT
from chatr.node.node import Node
from chatr.ports import MAX_PICK

MAX_CONCURRENT: Final = 2
"""The maximum number of requests that read messages at the same time. Others wait, because live requests need the
store and the event loop, too.
"""
PAGE_SIZE: Final = 100
"""Messages on a page of the archive. It must not change, because the URLs of pages contain page numbers."""
assert PAGE_SIZE <= MAX_PICK

Render = Callable[[Sequence[Message]], web.Response]
"""A function that makes a response from messages."""


class ArchivedMessages:
    """Responds to requests with rendered messages, or with status 304 if the client has the current version."""

    def __init__(self, node: Node, time_limit: float) -> None:
        self._node = node
        self._time_limit = time_limit
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def response(
        self, request: web.BaseRequest, positions: Sequence[int], shown: object, render: Render
    ) -> web.Response:
        """Return what `render` makes of the messages at `positions` (at most MAX_PICK), or status 304.

        `shown` is all that the response shows besides these messages. Raises HttpError (503) or LogUnavailable.
        """
        version = version_of(self._node.room, positions, shown)
        # Responses of a private room are `no-store`, so they have no ETag.
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
            # The time limit includes the waiting for a slot. Otherwise requests would queue without end.
            async with asyncio.timeout(self._time_limit), self._slots:
                return await self._node.messages.read(positions)
        except TimeoutError as error:
            raise http_error(READ_OVERLOADED, retryAfter=STORE_RETRY_SECONDS) from error


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
