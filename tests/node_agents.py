"""Agents that post through the node itself, without HTTP in between: as fast as the node can store."""

from typing import Final

from attrs import define

from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.identity import AgentId
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE
from chatr.node.node import Node
from chatr.testing.clock import START

LONG_TEXT: Final = "🦀" * 240
"""With a number in front it has as many bytes as a message can have: a frame of it is larger than 1 KiB."""


@define
class NodeAgent:
    """An agent whose clock advances by five minutes before each message, so that no rate limit is met."""

    node: Node
    agent: AgentId
    at: int = START

    async def post(self, *contents: str) -> list[str]:
        """Post messages one after the other and return their ids."""
        return [await self._post(content) for content in contents]

    async def _post(self, content: str) -> str:
        self.at += 5 * MINUTE
        handled = await self.node.commands.handle(Post(self.agent, content, self.at))
        return str(handled.position)

    def cursor_at(self, message: str) -> str:
        """The stream id from which a watcher resumes after this message."""
        record = self.node.room.history.record_at(int(message))
        assert record is not None
        return str(record.cursor)


async def register_agent(node: Node, name: str = "Ada") -> NodeAgent:
    """Register an agent at `node`."""
    await node.commands.handle(Register(name, None, hash_key(name), START))
    return NodeAgent(node, agent_id(name))


def numbered_texts(count: int, text: str = "") -> list[str]:
    """So many different contents: the text, each time with another number in front."""
    return [f"{number} {text}" for number in range(count)]
