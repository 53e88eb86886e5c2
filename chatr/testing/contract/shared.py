"""What several nodes on one store may rely on."""

import asyncio

from chatr.ports import EventLog
from chatr.testing.contract.steps import (
    OpenLog,
    chain,
    draft,
    everything,
    fill,
    followed,
    turns,
    unless_conflict,
)


async def test_a_node_reads_what_another_wrote(open_log: OpenLog) -> None:
    """An acknowledged record is there for every node at once."""
    async with open_log() as one, open_log() as other:
        written = await fill(one, 3)

        assert (written, 3) == (await everything(other), await other.head())


async def test_a_tail_wakes_for_other_writers(open_log: OpenLog) -> None:
    """A follower learns of a record without asking, whichever node wrote it."""
    async with open_log() as one, open_log() as other:
        following = asyncio.create_task(followed(one, 1))
        await turns(9)

        assert await fill(other, 1) == await following


async def test_a_tail_never_skips_a_record_of_a_slow_writer(open_log: OpenLog) -> None:
    """Positions become visible in their order, so a follower that has seen one has seen all before it."""
    async with open_log() as one, open_log() as other:
        following = asyncio.create_task(followed(one, 1_000))
        await asyncio.gather(*(chain(log, f"agent/{n}", 100) for n, log in enumerate([one, other] * 5)))

        assert [each.position for each in await following] == list(range(1, 1_001))


async def test_every_node_sees_the_same_log(open_log: OpenLog) -> None:
    """Two followers on two nodes are given the same records in the same order."""
    async with open_log() as one, open_log() as other:
        following = asyncio.gather(followed(one, 400), followed(other, 400))
        await asyncio.gather(*(chain(log, f"agent/{n}", 100) for n, log in enumerate([one, other] * 2)))
        first, second = await following

        assert first == second


async def test_only_one_node_is_first_in_a_stream(open_log: OpenLog) -> None:
    """A name is taken once, whichever nodes it is asked of: the store decides, and not a node."""
    async with open_log() as one, open_log() as other:
        answers = await asyncio.gather(*(unless_conflict(log, draft("agent/ada"), 0) for log in [one, other] * 20))

        assert [answer for answer in answers if answer] == await everything(one)


async def test_a_retry_through_another_node_is_stored_once(open_log: OpenLog) -> None:
    """Whoever missed the answer of one node may ask any other."""
    again = draft()
    async with open_log() as one, open_log() as other:
        answers = await asyncio.gather(*(log.append(again, expected=0) for log in [one, other] * 5))

        assert await everything(one) * 10 == answers


async def test_every_stream_is_a_chain_whoever_writes_it(open_log: OpenLog) -> None:
    """Nodes that race for the next place in a stream each take their turn after the last record."""

    async def insist(log: EventLog) -> None:
        for _ in range(10):
            expected = 0
            while not await unless_conflict(log, draft("agent/ada"), expected):
                expected = await log.head()

    async with open_log() as one, open_log() as other:
        await asyncio.gather(*(insist(log) for log in [one, other] * 2))

        assert [each.previous for each in await everything(one)] == list(range(40))


async def test_a_node_that_leaves_disturbs_no_other(open_log: OpenLog) -> None:
    """A log that one node closed is open for the others."""
    async with open_log() as one:
        async with open_log() as other:
            await fill(other, 1)
        await fill(one, 1)

        assert len(await followed(one, 2)) == 2
