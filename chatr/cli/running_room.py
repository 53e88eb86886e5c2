"""Fetches what a running server shows over HTTP, so that it can be compared with its log."""

import asyncio
import os
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from aiohttp import (
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
)
from attrs import frozen

from chatr.cli.errors import CommandError
from chatr.client.failed_connections import reason_of
from chatr.domain.chain import ChainPoint
from chatr.domain.limits import SECOND
from chatr.environment import variable_value
from chatr.web_proxy import UnusableProxy, session_options

ATTEMPTS: Final = 10
"""A busy room changes between two requests. After so many attempts the last one is returned nevertheless."""
RETRY_PAUSE: Final = 0.25
"""Seconds between two attempts."""
KEY_VARIABLE: Final = "CHATR_KEY"
"""Environment variable with the key of an agent, with which a private room is read. A flag would be seen by others."""
TIMEOUT: Final = ClientTimeout(total=10)
MESSAGES_FETCHED: Final = 100
"""The most that one request for messages returns."""

Json = dict[str, Any]


class RoomUnreachable(CommandError):
    """No chatr server responds at that address."""


class RoomAltered(CommandError):
    """The server knows that its log was altered, so that it has nothing to compare with."""


@frozen
class ShownRoom:
    """What a server showed, at some time from `since` to `until` (milliseconds since 1970, by the server's clock).

    `is_consistent` is true if the head did not change during the other requests: then all parts are of one position.
    """

    head: ChainPoint
    log_id: str
    stats: Mapping[str, int]
    agents: list[Json]
    messages: list[Json]
    since: int
    until: int
    is_consistent: bool


async def fetch_room(url: str, min_position: int, *, pause: float = RETRY_PAUSE) -> ShownRoom:
    """Return what the server shows, from the first consistent attempt at position `min_position` or later.

    Returns the last of ATTEMPTS if there is none; `pause` is in seconds. Raises RoomUnreachable or RoomAltered.
    """
    try:
        async with ClientSession(f"{url}/", timeout=TIMEOUT, raise_for_status=True, **room_options(url)) as session:
            for _ in range(ATTEMPTS):
                shown = await fetch_once(session)
                if shown.is_consistent and shown.head.position >= min_position:
                    break
                await asyncio.sleep(pause)
            return shown
    except (ClientError, TimeoutError, ValueError, TypeError, KeyError) as error:
        raise RoomUnreachable(f"No room answers at {url}: {failure_reason(error)}.") from error


def room_options(url: str) -> dict[str, Any]:
    """Return the arguments of a session with the room at `url`: the key, and the proxy. Raises RoomUnreachable."""
    try:
        return {"headers": key_headers(), **session_options(url)}
    except UnusableProxy as error:
        raise RoomUnreachable(str(error)) from error


def key_headers() -> dict[str, str]:
    """Return the header with which a private room is read; none where no key is given."""
    return {"Authorization": f"Bearer {key}"} if (key := variable_value(os.environ, KEY_VARIABLE)) else {}


def failure_reason(error: Exception) -> str:
    """Return the reason of a failed request, as the end of a sentence."""
    match error:
        case TimeoutError():
            return "it takes too long"
        case ClientHttpProxyError():
            return f"the proxy on the way there refuses the connection with {error.status}"
        case ClientProxyConnectionError():
            return f"the proxy {error.host}:{error.port} on the way there cannot be reached: {reason_of(error)}"
        case ClientResponseError(status=401 | 403):
            return f"{error.status} {error.message}; if it is private, set {KEY_VARIABLE} to the key of an agent"
        case ClientResponseError():
            return f"{error.status} {error.message}"
        case ClientError():
            return str(error)
        case _:
            # The response is not JSON, or JSON of another form.
            return "the server there is not chatr"


async def fetch_once(session: ClientSession) -> ShownRoom:
    """Fetch the head, everything else, and the head again."""
    since, before = await get(session, "api/log/head")
    _, page = await get(session, "api/messages", limit=str(MESSAGES_FETCHED))
    stats, agents = await fetch_online(session)
    # Fetched twice: if the head is the same, no record was applied between the other responses.
    until, after = await get(session, "api/log/head")
    return ShownRoom(
        ChainPoint(int(after["position"]), bytes.fromhex(after["digest"])),
        str(after["logId"]),
        stats,
        agents,
        list(page["messages"]),
        since,
        # The Date header is cut to whole seconds, so the response may be almost a second later than it says.
        until + SECOND,
        # `verifiedTo` may have changed: the server checks its log meanwhile.
        is_consistent=all(before[field] == after[field] for field in ("position", "digest", "logId")),
    )


async def fetch_online(session: ClientSession) -> tuple[Mapping[str, int], list[Json]]:
    """Return the totals, and all agents that are online, fetched page by page."""
    _, page = await get(session, "api/agents")
    agents, stats = list(page["agents"]), page["stats"]
    # The size of a page is the server's choice, so only an empty page ends the list.
    while page["agents"]:
        _, page = await get(session, "api/agents", after=agents[-1]["name"])
        agents += page["agents"]
    return stats, agents


async def get(session: ClientSession, path: str, **query: str) -> tuple[int, Json]:
    """Return the time of a response, from its Date header in whole seconds, and its JSON. Raises RoomAltered."""
    async with session.get(path, params=query, raise_for_status=False) as response:
        if response.status == HTTPStatus.SERVICE_UNAVAILABLE and "log_altered" in await response.text():
            raise RoomAltered(
                "The server has noticed an altered record, and shows no head: run chatr audit without --url."
            )
        response.raise_for_status()
        at = int(parsedate_to_datetime(response.headers["Date"]).timestamp()) * SECOND
        return at, dict(await response.json())
