"""What watchers that are behind share: cached blocks of frames, reads of the log, and turns."""

import asyncio
from itertools import pairwise
from typing import Final

import pytest
from attrs import define, field

from chatr.adapters.http.stream.backlog import BLOCK, Backlog
from chatr.adapters.http.stream.slice_turns import SLICE_SECONDS_PER_ITERATION, SLICES_PER_ITERATION, SliceTurns
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.domain.commands import CompleteVerification, StartVerification
from chatr.domain.limits import MESSAGES_IN_MEMORY, MINUTE
from chatr.domain.proof import Profile
from chatr.node.node import Node
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from tests.moderation import approve, withdraw_approval, withdraw_badge
from tests.node_agents import NodeAgent, numbered_texts, register_agent
from tests.stream_client import TIMEOUT

BEYOND_MEMORY: Final = MESSAGES_IN_MEMORY + BLOCK


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


@define(eq=False)
class Reader:
    """A reader of blocks that records which of its methods was called."""

    loaded: asyncio.Event = field(factory=asyncio.Event)
    dropped: asyncio.Event = field(factory=asyncio.Event)

    def block_loaded(self) -> None:
        self.loaded.set()

    def abort(self, reason: str) -> None:  # noqa: ARG002 -- there is one reason
        self.dropped.set()


async def node_with_messages(log: FaultyLog, count: int) -> tuple[Node, NodeAgent]:
    """A node on `log` with so many messages; its follower has stopped."""
    node = node_on(log)
    async with background(node.follower.run()):
        ada = await register_agent(node)
        await ada.post(*numbered_texts(count))
    return node, ada


async def test_what_nobody_waits_for_is_not_read(log: FaultyLog) -> None:
    """A read is cancelled with its last reader; the next reader starts another one."""
    node, _ = await node_with_messages(log, BEYOND_MEMORY)
    backlog, first, second, third = Backlog(node), Reader(), Reader(), Reader()
    hold = log.hold("pick")
    backlog.load(0, first)
    backlog.load(1, second)
    await hold.reached.wait()
    backlog.cancel(0, first)
    backlog.cancel(1, second)
    log.heal()
    backlog.load(0, third)
    async with asyncio.timeout(TIMEOUT):
        await third.loaded.wait()

    assert log.calls["pick"] == 2
    assert not first.loaded.is_set()
    assert not second.loaded.is_set()


async def test_a_few_blocks_are_read_at_a_time(log: FaultyLog) -> None:
    """Posts use the same store, so two reads at most are in flight, however many places watchers are at."""
    node, _ = await node_with_messages(log, MESSAGES_IN_MEMORY + 4 * BLOCK)
    backlog, readers = Backlog(node), [Reader() for _ in range(4)]
    hold = log.hold("pick")
    for block, reader in enumerate(readers):
        backlog.load(block * BLOCK, reader)
    await hold.reached.wait()
    hold.release()
    async with asyncio.timeout(TIMEOUT):
        for reader in readers:
            await reader.loaded.wait()

    assert (hold.most_waiting, log.calls["pick"]) == (2, 4)


async def test_a_block_that_cannot_be_read_drops_its_readers(log: FaultyLog) -> None:
    """Their clients reconnect; the log names the block."""
    node, _ = await node_with_messages(log, BEYOND_MEMORY)
    backlog, reader = Backlog(node), Reader()
    log.fail("pick", ValueError("a damaged record"))
    backlog.load(0, reader)
    async with asyncio.timeout(TIMEOUT):
        await reader.dropped.wait()

    assert not reader.loaded.is_set()


async def test_the_cache_is_bounded(log: FaultyLog) -> None:
    """The blocks that were used longest ago are forgotten, and must be read again."""
    node, _ = await node_with_messages(log, MESSAGES_IN_MEMORY + 4 * BLOCK)
    backlog = Backlog(node, max_cache_bytes=3 * BLOCK * 300)
    for block in range(4):
        reader = Reader()
        backlog.load(block * BLOCK, reader)
        await reader.loaded.wait()

    assert backlog.frames_from(0) is None
    assert backlog.frames_from(3 * BLOCK) is not None


async def test_missed_messages_have_the_badge_of_now(log: FaultyLog) -> None:
    """A verification shows on messages whose frames were cached before it."""
    node = node_on(log)
    async with background(node.follower.run()):
        ada = await register_agent(node)
        await ada.post("Hello")
        backlog = Backlog(node)
        before = backlog.frames_from(0)
        await node.commands.handle(StartVerification(ada.agent, "Ada", "ABCDEFGH", ada.at + MINUTE, ada.at))
        profile = Profile("Ada", claimed=True, owner=None, proof="post")
        await node.commands.handle(CompleteVerification(ada.agent, "Ada", profile, ada.at))
        after = backlog.frames_from(0)

    assert before is not None
    assert after is not None
    assert b'"moltbookVerified":false' in before[0]
    assert b'"moltbookVerified":true' in after[0]


@pytest.mark.parametrize("withdrawn", ["approval", "badge"])
async def test_missed_messages_show_no_withdrawn_verification(log: FaultyLog, withdrawn: str) -> None:
    """Neither an approval nor a badge stays in cached frames after it was withdrawn, and an approval reaches them."""
    node = node_on(log)
    async with background(node.follower.run()):
        ada = await register_agent(node)
        await ada.post("Hello")
        backlog = Backlog(node)
        before = backlog.frames_from(0)
        if withdrawn == "badge":
            await node.commands.handle(StartVerification(ada.agent, "Ada", "ABCDEFGH", ada.at + MINUTE, ada.at))
            profile = Profile("Ada", claimed=True, owner=None, proof="post")
            await node.commands.handle(CompleteVerification(ada.agent, "Ada", profile, ada.at))
        else:
            await approve(node, ada.agent)
        verified = backlog.frames_from(0)
        await (withdraw_badge if withdrawn == "badge" else withdraw_approval)(node, ada.agent)
        after = backlog.frames_from(0)

    assert before == after
    assert verified is not None
    assert b'"verified":true' in verified[0]


@define(eq=False)
class Endless:
    """What always wants another turn."""

    turns: SliceTurns
    count: int = 0

    def write_slice(self) -> None:
        self.count += 1
        self.turns.request(self)

    def abort(self, reason: str) -> None:  # noqa: ARG002 -- there is one reason
        raise AssertionError


async def test_everything_else_runs_between_turns() -> None:
    """A watcher writes one slice at most in one iteration of the loop, however fast it reads."""
    turns = SliceTurns()
    writers = [Endless(turns) for _ in range(3)]
    for writer in writers:
        turns.request(writer)
    for _ in range(5):
        await asyncio.sleep(0)

    assert all(writer.count <= 5 for writer in writers)


async def test_an_iteration_writes_a_bounded_number_of_slices() -> None:
    """With 500 watchers that are behind it takes no longer than with fifty, and all are served in turn."""
    turns = SliceTurns()
    writers = [Endless(turns) for _ in range(500)]
    for writer in writers:
        turns.request(writer)
    written = [0]
    while written[-1] < len(writers):
        await asyncio.sleep(0)
        written.append(sum(writer.count for writer in writers))

    assert max(later - earlier for earlier, later in pairwise(written)) <= SLICES_PER_ITERATION
    assert {writer.count for writer in writers} <= {1, 2}


@define(eq=False)
class Once(Endless):
    """What wants no other turn."""

    def write_slice(self) -> None:
        self.count += 1


@pytest.mark.parametrize("first", [[False, True], [True, False], [False, False], [True, True]])
async def test_a_watcher_has_one_turn_at_a_time(first: list[bool]) -> None:
    """A watcher that asks again before its turn, because its socket is empty and its block is loaded, writes once."""
    turns = SliceTurns()
    writer = Once(turns)
    for each in first:
        turns.request(writer, first=each)
    for _ in range(5):
        await asyncio.sleep(0)

    assert writer.count == 1


@define(eq=False)
class Slow(Endless):
    """A slice that takes as long as all slices of an iteration may."""

    def write_slice(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + SLICE_SECONDS_PER_ITERATION
        while loop.time() < end:
            pass
        super().write_slice()


async def test_all_slices_of_an_iteration_share_its_time() -> None:
    """When the time is over the others wait for the next iteration, and everybody is served in turn."""
    turns = SliceTurns()
    writers = [Slow(turns) for _ in range(3)]
    for writer in writers:
        turns.request(writer)
    for _ in range(6):
        await asyncio.sleep(0)

    assert [writer.count for writer in writers] == [2, 2, 2]
