"""Fixtures: a node in memory for operators' commands, and commands beside a room that runs in the test's own loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen

from chatr.adapters.stores.memory import MemoryLog
from chatr.admin.execute import replies
from chatr.admin.operator import AdminNode
from chatr.admin.replies import Reply
from chatr.admin.requests import AnyRequest
from chatr.app import background
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.node.erasing import Erasing, TextFile
from chatr.node.follower import Follower
from chatr.node.node import Node
from chatr.node.timeouts import NodeTimeouts
from chatr.testing.clock import START, SettableClock
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.records import log_with, records_after
from chatr.testing.secrets import CountedSecrets
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile, Result, chatr, log_file, new_log

__all__ = ["chatr", "log_file", "new_log"]

SPAMMER: Final = agent_id("Spammer")
SHORT: Final = NodeTimeouts(fold=0.2, catch_up=0.2, retry_pause=0.02)


@frozen
class Operated:
    """A node that operators' commands are carried out on, and its log, which fails on demand."""

    admin_node: AdminNode
    log: FaultyLog
    clock: SettableClock

    @property
    def room(self) -> Room:
        """The room that the node has folded."""
        return self.admin_node.node.room

    async def replies(self, request: AnyRequest) -> list[Reply]:
        """Carry out a request, and return all replies."""
        async with aclosing(replies(self.admin_node, request)) as results:
            return [reply async for reply in results]

    async def reply(self, request: AnyRequest) -> Any:
        """Carry out a request, and return the reply before End, or the error."""
        *others, last = await self.replies(request)
        return others[-1] if others else last

    async def register(self, name: str) -> None:
        """Register an agent."""
        await self.admin_node.node.commands.handle(Register(name, None, hash_key(name), self.clock.now()))


async def operated_node(log: FaultyLog, *files: TextFile) -> AsyncIterator[Operated]:
    """Yield a node with files that follows a log, and a clock a quarter of an hour after the last of COMMANDS."""
    clock, secrets = SettableClock(), CountedSecrets(100)
    clock.advance(20 * MINUTE)
    erasing = Erasing(log, files, first_pause=0.01)
    follower = Follower(log, Room(), [erasing], SHORT)
    node = Node.create(log, follower, clock, secrets)
    async with background(follower.run()), background(erasing.run(node.room)):
        await follower.catch_up()
        yield Operated(AdminNode(node, log, clock, secrets, erasing), log, clock)


@pytest.fixture
async def operated() -> AsyncIterator[Operated]:
    """A node on the log of COMMANDS: Ada has a badge and posted the messages 5 and 9, Bob posted 6."""
    async for each in operated_node(FaultyLog(await log_with(MemoryLog(), records_after(COMMANDS)))):
        yield each


async def spammed_node(messages: int) -> AsyncIterator[Operated]:
    """Yield a node with so many messages of a spammer, one in five minutes from START on, and one of Ada."""
    commands = [Register(name, None, hash_key(name), START) for name in ("Ada", "Spammer")]
    posts = [Post(SPAMMER, f"Buy {number}", START + MINUTE + 5 * MINUTE * number) for number in range(messages)]
    records = records_after([*commands, Post(ADA, "Hello", START + MINUTE), *posts])
    async for each in operated_node(FaultyLog(await log_with(MemoryLog(), records))):
        each.clock.advance(posts[-1].at - each.clock.now())
        yield each


OperatorsCommand = Callable[..., Awaitable[Result]]


@pytest.fixture
def admin(chatr: Chatr) -> OperatorsCommand:
    """Runs `chatr admin` in a thread, beside the room that runs in the test's loop."""

    async def run(*arguments: object) -> Result:
        return await asyncio.to_thread(chatr, "admin", *arguments[:1], "--as", "olga", *arguments[1:])

    return run


@pytest.fixture
def socket_path(log_file: LogFile) -> Path:
    """The path of the socket that a room on `log_file` opens."""
    return log_file.path.with_name("chatr.db.admin")
