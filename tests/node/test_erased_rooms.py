"""Rooms from which a text was erased: neither memory nor files hold it, after any start, on any node."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from string import ascii_letters
from typing import Final

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.postgres.log import postgres_log
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.urls import open_log, open_reader
from chatr.app import RunningRoom, background, running_room
from chatr.cli.commands.backup import back_up
from chatr.cli.commands.export import write_records
from chatr.codec import encode
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE
from chatr.node.erasing import Erasing
from chatr.node.node import Node
from chatr.past.replay import fold_until, ignore_progress
from chatr.ports import EventLog
from chatr.settings import Settings
from chatr.testing.clock import START, SettableClock
from chatr.testing.nodes import node_on
from chatr.testing.secrets import record_id
from tests.contracts.erased_texts import texts_left
from tests.erasures import containers_with, erasure_of, only_new_objects, record_erasure, texts_in
from tests.postgres import Postgres

ADA: Final = agent_id("Ada")
# Backwards, so that these modules themselves do not hold what is searched for.
BACKWARDS: Final = "".join(Random(7).choices(ascii_letters, k=120))


async def post_text(node: Node) -> int:
    """Post the text between other messages, and return its position."""
    await node.commands.handle(Register("Ada", None, hash_key("key"), START))
    await node.commands.handle(Post(ADA, "Before", START))
    position = (await node.commands.handle(Post(ADA, BACKWARDS[::-1], START + 10 * MINUTE))).position
    await node.commands.handle(Post(ADA, "After", START + 20 * MINUTE))
    return position


@asynccontextmanager
async def running_node(log: EventLog) -> AsyncIterator[tuple[Node, Erasing]]:
    """A node on the log, without a web server."""
    erasing = Erasing(log)
    node = node_on(log, None, erasing)
    node.integrity.check_from_now_on(node.room)
    async with background(node.follower.run()), background(erasing.run(node.room)):
        yield node, erasing


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def logs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[EventLog]]:
    """One log, opened by each of two nodes where the store allows that."""
    async with AsyncExitStack() as stack:
        if request.param == "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            url = server.log()
            yield [await stack.enter_async_context(postgres_log(url)) for _ in range(2)]
        elif request.param == "sqlite":
            yield [await stack.enter_async_context(sqlite_log(tmp_path / "chatr.db"))]
        else:
            yield [MemoryLog()] * 2


async def test_no_node_holds_an_erased_text_in_memory(logs: list[EventLog]) -> None:
    """When the erasing is complete, no object of the process holds the text, whichever node began it."""
    with only_new_objects():
        async with AsyncExitStack() as stack:
            nodes = [await stack.enter_async_context(running_node(log)) for log in logs]
            position = await post_text(nodes[0][0])
            for node, _ in nodes:
                await node.follower.wait_until_folded(position + 1)
            before = containers_with(BACKWARDS)
            end = await record_erasure(nodes[0][0], logs[0], position)
            for node, erasing in nodes:
                await node.follower.wait_until_folded(end)
                await erasing.wait_until_clean()
            (empty,) = await logs[-1].pick([position])

            assert before
            assert containers_with(BACKWARDS) == []
            assert empty.is_erased
            assert await fold_until(logs[-1], end) == nodes[0][0].room == nodes[-1][0].room


async def test_a_start_lets_go_of_an_erased_text(logs: list[EventLog]) -> None:
    """A node that reads the text and the erasing record together, and then nothing more, does not hold the text."""
    async with running_node(logs[0]) as (node, _):
        position = await post_text(node)
    # By nobody who carries it out.
    end = await append_erasure(logs[0], node.room.agent(ADA).position)
    del node
    with only_new_objects():
        async with running_node(logs[0]) as (node, erasing):
            await node.follower.wait_until_folded(end)
            await erasing.wait_until_clean()

            assert node.room.history.record_at(position) is not None
            assert containers_with(BACKWARDS) == []


@asynccontextmanager
async def room_on(path: Path) -> AsyncIterator[RunningRoom]:
    """A room with a web server on the SQLite log at `path`."""
    async with running_room(
        Settings(log=f"sqlite:///{path}", port=0, admin_socket="off"), clock=SettableClock()
    ) as room:
        yield room


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """The file of a log that holds the text at position 4, beside a checkpoint that holds it."""
    path = tmp_path / "log" / "chatr.db"
    path.parent.mkdir()
    async with room_on(path) as room:
        await post_text(room.node)
    return path


def names_of_files_with(text: str, folder: Path) -> list[str]:
    """The names of the files in a folder that hold the text."""
    return sorted(file.name for file in folder.iterdir() if text.encode() in file.read_bytes())


async def test_nothing_beside_the_log_holds_an_erased_text(path: Path, tmp_path: Path) -> None:
    """The log, its -wal file, its head and its checkpoint hold no part of it once the erasing is complete, nor do a
    backup and an export that are made later.
    """
    text, copies = BACKWARDS[::-1], tmp_path / "copies"
    copies.mkdir()
    before = names_of_files_with(text, path.parent)
    async with room_on(path) as room:
        async with open_reader(f"sqlite:///{path}") as log:
            await record_erasure(room.node, log, 4)
        await room.erasing.wait_until_clean()

        assert before == ["chatr.db", "chatr.db.checkpoint"]
        assert texts_left([text], path.parent) == []
        await back_up(path, copies / "backup.db")
        async with open_reader(f"sqlite:///{path}") as log:
            await write_records(log, await log.head(), copies / "room.jsonl", ignore_progress)
    assert texts_left([text], copies) == []
    assert texts_left([text], path.parent) == []


@pytest.mark.parametrize("erased", [[], [4]], ids=["not begun", "log alone"])
async def test_a_start_completes_what_a_killed_process_had_begun(path: Path, erased: list[int]) -> None:
    """A process may be killed before the log or before the checkpoint is clean: the next start cleans both."""
    text = BACKWARDS[::-1]
    async with open_log(f"sqlite:///{path}") as log:
        room = await fold_until(log, await log.head())
        await append_erasure(log, room.agent(ADA).position)
        await log.erase(erased)
    before = texts_left([text], path.parent)
    async with room_on(path) as running:
        await running.erasing.wait_until_clean()

        assert before == [text]
        assert texts_left([text], path.parent) == []


async def append_erasure(log: EventLog, expected: int) -> int:
    """Append the record that erases the text, as a node did that was killed then, and return its position."""
    event = erasure_of(*[each for each in await log.read(0, 10) if BACKWARDS[::-1] in each.data])
    draft = encode(event, stream=f"agent/{ADA}", record_id=record_id(99), decided_at_position=expected)
    return (await log.append(draft, expected=expected)).position


async def test_a_checkpoint_that_was_made_before_shows_no_erased_text(path: Path) -> None:
    """A room that starts from it holds the message as erased."""
    async with open_log(f"sqlite:///{path}") as log:
        room = await fold_until(log, await log.head())
        await append_erasure(log, room.agent(ADA).position)
    async with room_on(path) as running:
        await running.erasing.wait_until_clean()
        async with open_reader(f"sqlite:///{path}") as reader:
            folded = await fold_until(reader, running.node.room.position)
            left = await texts_in(reader)

        assert folded == running.node.room
        assert 4 not in left
