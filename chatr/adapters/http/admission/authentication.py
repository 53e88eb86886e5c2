"""Authentication: the agent that the API key of a request opens."""

from typing import Final

from aiohttp import web

from chatr.adapters.http.error_catalogue import (
    EMPTY_KEY,
    NO_KEY,
    NOT_A_KEY,
    NOT_BEARER,
    NOT_READY,
    UNKNOWN_KEY,
    HttpError,
    http_error,
)
from chatr.domain.agent import Agent
from chatr.domain.key_commands import ActivateKey
from chatr.domain.keys import hash_key, is_key
from chatr.domain.policy.changing_keys import is_in_use
from chatr.domain.room import Room
from chatr.node.node import Node
from chatr.ports import Clock

KEY_DIGEST: Final = web.RequestKey("key_digest", str)
"""Where a request holds the digest of the key that authenticated it."""


async def authenticate(node: Node, clock: Clock, request: web.BaseRequest, *, activates: bool = True) -> Agent:
    """Return the agent that the key of the request opens. A pending key takes effect first, if the request `activates`.

    Raises HttpError: 401 without such a key, 503 if this node may not know of it yet. If the first use of a pending key
    cannot be stored, raises as `CommandHandler.handle` does; then the agent's keys stay as they are.
    """
    key = api_key(request)
    request[KEY_DIGEST] = digest = hash_key(key)
    room = node.room
    # Nearly every request has the current key of its agent: it needs neither the time nor the store.
    agent_id = room.agents_by_key.get(digest)
    if agent_id is not None and (agent := room.agent(agent_id)).key_digest == digest:
        return agent
    if not is_key(key):
        raise no_valid_key(request)
    return await authenticate_other_key(node, digest, clock.now(), activates=activates)


async def authenticate_other_key(node: Node, digest: str, now: int, *, activates: bool) -> Agent:
    """Return the agent that is opened by a key which is not known as the current one of any agent.

    Raises as `authenticate`.
    """
    agent = agent_opened_by(node.room, digest, now)
    # The agent may have registered or changed its key at another node a moment ago, and an agent that reads "unknown"
    # discards its key. So this node folds the whole log before it rejects one.
    if agent is None:
        if not await node.follower.catch_up():
            raise http_error(NOT_READY, retryAfter=1)
        agent = agent_opened_by(node.room, digest, now)
    if agent is None:
        raise http_error(UNKNOWN_KEY)
    # A read-only room records no first use: the key takes effect where the room is written to.
    if not activates or node.is_read_only or is_in_use(agent, digest, now):
        return agent
    # Several first uses at the same time append one record: the others find that it is there.
    await node.commands.handle(ActivateKey(agent.id, digest, now))
    return node.room.agent(agent.id)


def agent_opened_by(room: Room, digest: str, now: int) -> Agent | None:
    """Return the agent that the key with this digest opens at `now`, or None."""
    agent_id = room.agents_by_key.get(digest)
    agent = None if agent_id is None else room.agent(agent_id)
    return agent if agent is not None and agent.is_opened_by(digest, now) else None


def api_key(request: web.BaseRequest) -> str:
    """Return the key in Authorization, or in X-API-Key where there is no Authorization; "" without a key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        return key.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("X-API-Key", "")


def no_valid_key(request: web.BaseRequest) -> HttpError:
    """Return the 401 error for a request whose `api_key` is no key. It says what is wrong with the header."""
    if api_key(request):
        return http_error(NOT_A_KEY)
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    if scheme and scheme.lower() != "bearer":
        return http_error(NOT_BEARER)
    has_header = "Authorization" in request.headers or "X-API-Key" in request.headers
    return http_error(EMPTY_KEY if has_header else NO_KEY)
