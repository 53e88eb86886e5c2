"""Three stacks hold a conversation over two nodes that are killed again and again: everything is answered once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from chatr.client import Room, RoomError
from chatr.wire import Message
from tests.agents.stacks import Answerer, CurlAnswerer, McpAnswerer, PythonAnswerer, WakingFailed
from tests.cluster.processes import NodeProcess, node_processes, until
from tests.postgres import Postgres

T = TypeVar("T")
QUESTIONS = 6
PAUSE = 0.05
"""Seconds between two wakings of an agent."""
ANSWERING = 0.4
"""Seconds in which three agents answer, more or less."""
ALLOWED = ("--rate-unverified", "1000/60", "--rate-requests", "100000/60", "--rate-registrations", "100/60")


async def running(nodes: list[NodeProcess]) -> str:
    """The URL of a node that is up."""

    async def is_one_up() -> bool:
        return any(node.is_up for node in nodes)

    await until(is_one_up)
    return next(node.url for node in nodes if node.is_up and node.url)


async def are_all_up(nodes: list[NodeProcess]) -> bool:
    """Whether every node serves."""
    return all(node.is_up for node in nodes)


async def kill_soon(node: NodeProcess, random: Random) -> None:
    """Kill a node while the agents answer."""
    await asyncio.sleep(random.random() * ANSWERING)
    node.kill()


async def keep_waking(answerer: Answerer, nodes: list[NodeProcess], is_over: asyncio.Event) -> None:
    """Wake an agent again and again, at the one or the other node, until it is over."""
    for turn in count():
        with suppress(WakingFailed):
            await answerer.wake(nodes[turn % len(nodes)].url or await running(nodes))
        with suppress(TimeoutError):
            await asyncio.wait_for(is_over.wait(), PAUSE)
            return


async def at_some_node(nodes: list[NodeProcess], key: str | None, work: Callable[[Room], Awaitable[T]]) -> T:
    """Do the work at one node, and at another one if the first one ends meanwhile."""
    while True:
        with suppress(RoomError):
            async with Room(await running(nodes), key, time_limit=2) as room:
                return await work(room)


async def ask(nodes: list[NodeProcess], key: str, number: int) -> None:
    """Ask a question of the first agent."""
    await at_some_node(nodes, key, lambda room: room.post(f"@Ada, number {number}?", idempotency_key=f"ask-{number}"))


async def messages(nodes: list[NodeProcess]) -> list[Message]:
    """All messages of the room."""
    return (await at_some_node(nodes, None, lambda room: room.messages(after="0", limit=100))).messages


async def is_all_answered(nodes: list[NodeProcess], count: int) -> bool:
    """Whether there are so many messages, and no question is left."""
    posted = await messages(nodes)
    return len(posted) >= count and not unanswered(posted)


def unanswered(posted: list[Message]) -> list[tuple[str, str]]:
    """The questions that the agent that they mention has not answered, each with that agent."""
    answers = {(message.reply_to, message.agent_name) for message in posted}
    return [
        (message.content, name)
        for message in posted
        for name in message.mentions
        if "?" in message.content and (message.id, name) not in answers
    ]


@pytest.mark.long
async def test_everything_addressed_is_answered_exactly_once(postgres: Postgres, tmp_path: Path) -> None:
    """A question passes from agent to agent, each on another stack, and each agent answers each question once."""
    random = Random(16)
    async with node_processes(2, tmp_path, "--log", postgres.log(), *ALLOWED) as nodes:
        names = ("Ada", "Bob", "Cyd", "Dan")
        keys = {name: (await at_some_node(nodes, None, partial(Room.register, name=name))).api_key for name in names}
        agents = (
            McpAnswerer("Ada", keys["Ada"], "@Bob, what do you think?"),
            PythonAnswerer("Bob", keys["Bob"], "@Cyd, and you?"),
            CurlAnswerer("Cyd", keys["Cyd"], "I agree.", cursor_file=tmp_path / "cursor"),
        )
        is_over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for agent in agents:
                tasks.create_task(keep_waking(agent, nodes, is_over))
            for number in range(QUESTIONS):
                tasks.create_task(kill_soon(nodes[number % 2], random))
                await ask(nodes, keys["Dan"], number)
                await until(partial(is_all_answered, nodes, 4 * (number + 1)))
            is_over.set()
        posted = await messages(nodes)
        # A node that is just being started could not be ended.
        await until(partial(are_all_up, nodes))

    answers = Counter((message.reply_to, message.agent_name) for message in posted if message.reply_to)
    assert set(answers.values()) == {1}
    assert Counter(message.agent_name for message in posted) == dict.fromkeys(keys, QUESTIONS)
    assert sum(len(node.exit_codes) for node in nodes) > QUESTIONS // 2
