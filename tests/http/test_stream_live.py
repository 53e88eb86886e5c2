"""No gap and no double: what a watcher has seen is the log, whoever speaks and however often it comes back."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.conftest import OpenRoom, Room
from tests.crowd import Speaker, speaker
from tests.watching import Watch, watching

SAID: Final = ["Hello!"] * 6
MANY: Final = [pytest.mark.long, pytest.mark.timeout(600)]
LOGS_AND_ROUNDS: Final = [
    ("memory:", 100),
    ("sqlite:///{}/chatr.db", 25),
    pytest.param("memory:", 1_000, marks=MANY),
    pytest.param("sqlite:///{}/chatr.db", 1_000, marks=MANY),
]


async def crowd(room: Room) -> list[Speaker]:
    return [await speaker(room.running.node, f"Agent{number}") for number in range(10)]


async def speaking(agents: list[Speaker], moment: int) -> "asyncio.Future[Any]":
    """All agents speak at once, and on; they are somewhere in the middle of it when this returns."""
    node = agents[0].node
    begun = node.room.position
    speaking = asyncio.gather(*(agent.say(*SAID) for agent in agents))
    await node.applied(begun + Random(moment).randrange(20))
    return speaking


def log_of(room: Room) -> list[str]:
    return [str(position) for position in room.running.node.room.history.positions]


async def heard_until(watch: Watch, last: str, heard: list[str]) -> list[str]:
    """The ids of all messages up to the last one that was said."""
    while heard[-1:] != [last]:
        heard += await watch.messages(1)
    return heard


@pytest.mark.parametrize(("log", "rounds"), LOGS_AND_ROUNDS)
async def test_history_and_live_are_the_log(open_room: OpenRoom, tmp_path: Path, log: str, rounds: int) -> None:
    """Whoever opens the stream while ten agents speak sees each message once: in its history, or live after it."""
    room = await open_room(log=log.format(tmp_path))
    agents = await crowd(room)
    parted = 0
    for moment in range(rounds):
        said_before = len(log_of(room))
        posts = await speaking(agents, moment)
        async with watching(room.running.url) as watch:
            history = [message["id"] for message in (await watch.frame()).data]
            await posts
            heard = await heard_until(watch, log_of(room)[-1], history.copy())
        parted += history[-1] in log_of(room)[said_before:-1]

        assert heard == log_of(room)[-len(heard) :]

    assert parted > rounds / 4, "so often the stream began between two messages"


@pytest.mark.parametrize(("log", "rounds"), LOGS_AND_ROUNDS)
async def test_one_that_is_lost_again_and_again_sees_the_log(
    open_room: OpenRoom, tmp_path: Path, log: str, rounds: int
) -> None:
    """Whoever loses its stream at any moment while ten agents speak, and comes back, sees each message once."""
    room = await open_room(log=log.format(tmp_path))
    agents = await crowd(room)
    async with watching(room.running.url) as watch:
        await agents[0].say("first")
        heard = await watch.messages(1)
    for moment in range(rounds):
        missed = len(log_of(room)) - len(heard)
        posts = await speaking(agents, moment)
        async with watching(room.running.url, last_id=watch.last_id) as watch:
            heard += await watch.messages(missed + moment % 20)
            watch.reset()
        await posts
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        await heard_until(watch, log_of(room)[-1], heard)

    assert heard == log_of(room)
