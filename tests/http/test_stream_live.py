"""No gap and no duplicate: a watcher sees each message of the log once, however often it reconnects."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.conftest import OpenRoom, Room
from tests.node_agents import NodeAgent, register_agent
from tests.stream_client import Watch, watching

CONTENTS: Final = ["Hello!"] * 6
MANY_ROUNDS: Final = [pytest.mark.long, pytest.mark.timeout(600)]
LOGS_AND_ROUNDS: Final = [
    ("memory:", 50),
    ("sqlite:///{}/chatr.db", 25),
    pytest.param("memory:", 150, marks=MANY_ROUNDS),
    pytest.param("sqlite:///{}/chatr.db", 150, marks=MANY_ROUNDS),
]


async def ten_agents(room: Room) -> list[NodeAgent]:
    """Return ten agents that can post."""
    return [await register_agent(room.running.node, f"Agent{number}") for number in range(10)]


async def start_posting(agents: list[NodeAgent], seed: int) -> "asyncio.Future[Any]":
    """Let all agents post at the same time. They are somewhere in the middle of it when this returns."""
    node = agents[0].node
    position = node.room.position
    posting = asyncio.gather(*(agent.post(*CONTENTS) for agent in agents))
    await node.follower.wait_until_folded(position + Random(seed).randrange(20))
    return posting


def messages_in(room: Room) -> list[str]:
    """Return the ids of all messages of the log."""
    return [str(position) for position in room.running.node.room.history.positions]


async def receive_until(watch: Watch, last: str, received: list[str]) -> list[str]:
    """Add the ids of all messages up to the last one."""
    while received[-1:] != [last]:
        received += await watch.messages(1)
    return received


@pytest.mark.parametrize(("log", "rounds"), LOGS_AND_ROUNDS)
async def test_a_watcher_that_joins_while_agents_post_sees_each_message_once(
    open_room: OpenRoom, tmp_path: Path, log: str, rounds: int
) -> None:
    """Each message is either in its history or comes live after it."""
    room = await open_room(log=log.format(tmp_path))
    agents = await ten_agents(room)
    joined_between_messages = 0
    for seed in range(rounds):
        already_posted = len(messages_in(room))
        posts = await start_posting(agents, seed)
        async with watching(room.running.url) as watch:
            history = [message["id"] for message in (await watch.frame()).data]
            await posts
            received = await receive_until(watch, messages_in(room)[-1], history.copy())
        joined_between_messages += history[-1] in messages_in(room)[already_posted:-1]

        assert received == messages_in(room)[-len(received) :]

    assert joined_between_messages > rounds / 4, "otherwise the test shows nothing"


@pytest.mark.long
@pytest.mark.parametrize(("log", "rounds"), LOGS_AND_ROUNDS)
async def test_a_watcher_that_reconnects_again_and_again_sees_each_message_once(
    open_room: OpenRoom, tmp_path: Path, log: str, rounds: int
) -> None:
    """It may lose its connection at any moment while ten agents post."""
    room = await open_room(log=log.format(tmp_path))
    agents = await ten_agents(room)
    async with watching(room.running.url) as watch:
        await agents[0].post("first")
        received = await watch.messages(1)
    for seed in range(rounds):
        missed = len(messages_in(room)) - len(received)
        posts = await start_posting(agents, seed)
        async with watching(room.running.url, last_id=watch.last_id) as watch:
            received += await watch.messages(missed + seed % 20)
            watch.reset()
        await posts
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        await receive_until(watch, messages_in(room)[-1], received)

    assert received == messages_in(room)
