"""What the tests of private rooms have in common."""

from typing import Any, Final

from attrs import evolve

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.domain.commands import AdoptLimits
from chatr.domain.identity import AgentId
from chatr.domain.key_commands import RevokeKey
from chatr.domain.keys import hash_key
from chatr.domain.moderation_commands import Suspend
from tests.conftest import Agent, Room

SECRET: Final = "The meeting is at the old mill."
QUICK: Final = HttpTimeouts(tick=0.01)


async def change_reading(room: Room, reading: Any) -> None:
    """Let an operator open the room or make it private while it runs."""
    node = room.running.node
    limits = evolve(node.room.rule_context.limits, reading=reading)
    await node.commands.handle(AdoptLimits(limits, room.clock.now()))


async def suspend(room: Room, agent: Agent) -> None:
    """Suspend an agent for ever."""
    await room.running.node.commands.handle(Suspend(AgentId(agent.id), None, "it sold things", "op", room.clock.now()))


async def revoke(room: Room, agent: Agent) -> None:
    """Make the key of an agent void."""
    await room.running.node.commands.handle(RevokeKey(AgentId(agent.id), hash_key(agent.key), room.clock.now(), "op"))


async def room_with_secret(room: Room) -> Agent:
    """Let an agent post the secret, and return it."""
    ada = await room.register("Confidante")
    await room.post_message(ada, SECRET)
    return ada
