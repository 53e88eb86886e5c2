"""Authentication: the agent whose API key a request carries."""

from aiohttp import web

from chatr.adapters.http.error_catalogue import NOT_READY, http_error
from chatr.domain.agent import Agent
from chatr.domain.keys import hash_key, is_key
from chatr.domain.policy.registering import agent_is_registered
from chatr.domain.rule import RuleViolated
from chatr.node.node import Node


async def authenticate(node: Node, request: web.BaseRequest) -> Agent:
    """Return the agent whose key the request carries.

    Raises RuleViolated (401) if there is none, and HttpError (503) if this node may not know of the agent yet.
    """
    key = api_key(request)
    digest = hash_key(key)
    # The agent may have registered at another node a moment ago, and an agent that reads "register first" discards its
    # key. So this node folds the whole log before it rejects a key. A mistyped key fails its checksum without a wait.
    if digest not in node.room.agents_by_key and is_key(key) and not await node.follower.catch_up():
        raise http_error(NOT_READY, retryAfter=1)
    if agent := node.room.agents_by_key.get(digest):
        return node.room.agent(agent)
    # One text for a missing, a malformed and an unknown key, so that nobody learns which keys nearly exist.
    raise RuleViolated(agent_is_registered, node.room.rule_context.limits, {})


def api_key(request: web.BaseRequest) -> str:
    """Return the key in Authorization, or in X-API-Key where there is no Authorization; "" without a key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        return key.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("X-API-Key", "")
