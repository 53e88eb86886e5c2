"""What agents do with their keys: register, change, try and revoke them, without knowing which of them are void."""

import asyncio
from typing import TYPE_CHECKING, Final

from chatr.domain.commands import agent_id
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR, ROTATIONS
from tests.simulation.network import Response
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.agents import AgentClient

GRACES: Final = (0, 1, 30, 3600)
"""Seconds for which an agent asks its old keys to stay open."""
REPEATED: Final = 0.7
"""The probability that an agent repeats a request, although it may have been answered."""


async def register(agent: "AgentClient") -> None:
    """Register a random name: some are taken, and some look like one that is. Perhaps repeat that."""
    name = f"agent-{agent.random.randint(0, 40):02}".replace("0", agent.random.choice("0o"))
    if agent.random.random() < 0.5:
        take_registration(agent, name, await agent.send_request("POST", "/api/register", {"name": name}, key=""))
        return
    repeatable = f"{agent.random.getrandbits(128):032x}"
    await register_repeatedly(agent, name, repeatable)
    while agent.random.random() < REPEATED:
        await asyncio.sleep(agent.random.random() * agent.random.choice((0, 0.1, 2)))
        await register_repeatedly(agent, name, repeatable)


async def register_repeatedly(agent: "AgentClient", name: str, repeatable: str) -> None:
    """Send a registration that may have been sent before: while its key is not used it must succeed."""
    process, body, generation = agent.random.choice(agent.processes), {"name": name}, agent.oracle.generation
    was_first = must_repeat(agent, process, name, repeatable)
    response = await agent.send_request("POST", "/api/register", body, key="", idempotency_key=repeatable, to=process)
    is_first = was_first and generation == agent.oracle.generation and must_repeat(agent, process, name, repeatable)
    if response is not None and response.status == 409 and is_first:
        agent.oracle.report(f"{process.name} rejected the repeated registration of {name}")
    # Sometimes the response is thrown away, so that the key is never used.
    if agent.random.random() < 0.8:
        take_registration(agent, name, response)


def must_repeat(agent: "AgentClient", process: Process, name: str, repeatable: str) -> bool:
    """Whether a node knows that this registration was stored and may be repeated."""
    branch, registered = agent.oracle.branch, agent_id(name)
    at, request = branch.requests.get(registered, (0, None))
    is_same = request == hash_key(repeatable) and branch.room.agents[registered].name == name
    is_allowed = registered in branch.open_keys.repeatable and branch.open_keys.issued[registered] <= ROTATIONS.count
    is_soon = abs(process.now() - at) < HOUR and process.has_steady_clock
    return is_same and is_allowed and is_soon and agent.oracle.is_caught_up(process.node)


def take_registration(agent: "AgentClient", name: str, response: Response | None) -> None:
    """Be the agent that was registered, if one was."""
    if response is not None and response.status == 200:
        agent.become(response.json["agent"]["id"], response.json["agent"]["apiKey"])
        assert agent.id == agent_id(name)


async def rotate(agent: "AgentClient") -> None:
    """Ask for another key, and use it at once, later, or never."""
    owner, body = agent.id, {"grace": agent.random.choice(GRACES)}
    response = await agent.send_request("POST", "/api/keys/rotate", body)
    if response is not None and response.status == 200 and owner == agent.id:
        agent.add_key(response.json["apiKey"], is_next=agent.random.random() < 0.6)


async def use_other_key(agent: "AgentClient") -> None:
    """Send a request with a key that is old, void, or was never used."""
    if not agent.other_keys:
        return
    key, owner = agent.random.choice(agent.other_keys), agent.id
    method, path = agent.random.choice((("GET", "/api/me"), ("POST", "/api/heartbeat")))
    response = await agent.send_request(method, path, key=key)
    # One that was rejected may be tried again: it must never be accepted.
    if response is not None and response.status == 200 and owner == agent.id and agent.random.random() < 0.5:
        agent.add_key(key, is_next=True)


async def revoke(agent: "AgentClient") -> None:
    """Make a key void, which may be the one that is used all the time, and perhaps post at the same moment."""
    key = agent.random.choice([agent.key, *agent.other_keys])
    posts = [agent.post()] if agent.random.random() < 0.5 else []
    await asyncio.gather(*posts, agent.send_request("POST", "/api/keys/revoke", key=key))
