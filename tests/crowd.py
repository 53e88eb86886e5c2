"""Agents that speak to the node itself, with no door in between: as fast as it can listen."""

from typing import Final

from attrs import define

from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.events import AgentId
from chatr.domain.keys import digest_of
from chatr.domain.limits import MINUTE
from chatr.node import Node
from chatr.testing.clock import START

LONG: Final = "🦀" * 240
"""With a number before it as many bytes as a message can have: a frame of it weighs more than 1 KiB."""


@define
class Speaker:
    """Speaks five minutes after it last did, by its own clock: that is never too soon."""

    node: Node
    agent: AgentId
    at: int = START

    async def say(self, *contents: str) -> list[str]:
        """The ids of the messages."""
        return [await self._say(content) for content in contents]

    async def _say(self, content: str) -> str:
        self.at += 5 * MINUTE
        handled = await self.node.handle(Post(self.agent, content, self.at))
        return str(handled.position)

    def id_of(self, message: str) -> str:
        """What a watcher resumes from after this message."""
        record = self.node.room.history.whole(int(message))
        assert record is not None
        return str(record.cursor)


async def speaker(node: Node, name: str = "Ada") -> Speaker:
    await node.handle(Register(name, None, digest_of(name), START))
    return Speaker(node, agent_id(name))


def numbered(count: int, text: str = "") -> list[str]:
    return [f"{number} {text}" for number in range(count)]
