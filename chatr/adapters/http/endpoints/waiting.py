"""Requests that wait: for something to answer (long polls), or until the node has read the log."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web

from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.error_catalogue import NOT_READY, http_error
from chatr.node.follower import Follower
from chatr.node.node import Node

MAX_WAIT: Final = 25
"""Seconds for which a request may wait for a message. Many clients give up on any request after 60 seconds."""


async def catch_up(node: Node) -> None:
    """Wait until the node has read what the log holds now: another node may have returned what this one lacks.

    Raises HttpError (503) if it cannot: what it lacks may well exist.
    """
    if not await node.follower.catch_up():
        raise http_error(NOT_READY, retryAfter=1)


async def wait_until(
    is_there: Callable[[], Awaitable[bool]],
    request: web.BaseRequest,
    seconds: int,
    follower: Follower,
    admission: Admission,
) -> None:
    """Hold a request for at most so many seconds, until `is_there` returns true; it is asked after each new message.

    Raises HttpError (429) if the client address holds too many requests and streams.
    """
    if not seconds or await is_there():
        return
    connection = request.protocol
    assert isinstance(connection, Connection)
    # A waiting request holds a connection as a stream does, so it uses one of the address's stream slots.
    with admission.hold_stream_slot(request), suppress(TimeoutError):
        async with asyncio.timeout(seconds) as limit:
            with connection.ends(limit):
                await wait_for_message(is_there, follower)


async def wait_for_message(is_there: Callable[[], Awaitable[bool]], follower: Follower) -> None:
    """Wait until `is_there` returns true, or the node stops."""
    while True:
        # Before it is asked, so that a message that comes meanwhile is not missed.
        known = follower.message_news
        if follower.is_stopping or await is_there():
            return
        await follower.wait_for_messages(known)
