"""Agents that answer what is addressed to them, each with another stack. Each call of `wake` wakes the agent once."""

import asyncio
import json
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define
from httpx2 import AsyncClient
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

from chatr.client import Room

SCRIPT: Final = Path(__file__).with_name("answer.sh")
AT_ONCE: Final = 3
"""Messages that an agent asks for: fewer than wait for it, so that it has to go on."""


class WakingFailed(Exception):
    """The node ended while the agent was awake. The agent may have posted answers, but has acknowledged nothing."""


@define
class Answerer(ABC):
    """An agent that answers each question which mentions it with the words `words`."""

    name: str
    key: str
    words: str
    ack: str | None = None

    @abstractmethod
    async def wake(self, url: str) -> None:
        """Check in at a node, answer, and remember the cursor. Raises WakingFailed."""

    def is_question(self, content: str) -> bool:
        """Whether a message asks this agent."""
        return f"@{self.name}" in content and "?" in content


class PythonAnswerer(Answerer):
    """Uses the Python client."""

    async def wake(self, url: str) -> None:
        """As `Answerer.wake`."""
        try:
            async with Room(url, self.key, time_limit=5) as room:
                news = await room.check_in(self.ack, limit=AT_ONCE)
                for message in news.addressed:
                    if self.is_question(message.content):
                        await room.post(self.words, reply_to=message.id, idempotency_key=f"answer-{message.id}")
                self.ack = news.cursor
        except Exception as error:  # whatever a client raises while its node is killed
            raise WakingFailed(str(error)) from error


class McpAnswerer(Answerer):
    """Uses the official client of the Model Context Protocol."""

    async def wake(self, url: str) -> None:
        """As `Answerer.wake`."""
        try:
            async with (
                asyncio.timeout(10),
                AsyncClient(headers={"Authorization": f"Bearer {self.key}"}) as http,
                Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
            ):
                await self._answer(client)
        except BaseException as error:  # the client's task groups raise groups
            if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
                raise
            raise WakingFailed(repr(error)) from error

    async def _answer(self, client: Client) -> None:
        news = await called(client, "chatr_check_in", {"ack": self.ack, "limit": AT_ONCE})
        for message in news["addressed"]:
            if self.is_question(message["content"]):
                answer = {"content": self.words, "replyTo": message["id"], "idempotencyKey": f"answer-{message['id']}"}
                await called(client, "chatr_post", answer)
        self.ack = news["cursor"]


async def called(client: Client, tool: str, arguments: Mapping[str, Any]) -> Any:
    """The result of a tool, as a model reads it. Raises WakingFailed where the tool failed."""
    result = await client.call_tool(tool, {name: value for name, value in arguments.items() if value is not None})
    (block,) = result.content
    assert isinstance(block, TextContent)
    if result.is_error:
        raise WakingFailed(block.text)
    return json.loads(block.text)


@define
class CurlAnswerer(Answerer):
    """Runs a script of curl and sed that was written from /skills.md."""

    cursor_file: Path = Path()

    async def wake(self, url: str) -> None:
        """As `Answerer.wake`."""
        more = {"URL": url, "KEY": self.key, "NEXT": self.words, "CURSOR_FILE": str(self.cursor_file)}
        # In a thread, which ends also if the test does while the agent is awake.
        ended = await asyncio.to_thread(
            subprocess.run, ["bash", str(SCRIPT)], env={**os.environ, **more}, capture_output=True, check=False
        )
        if ended.returncode != 0:
            raise WakingFailed(ended.stderr.decode())
