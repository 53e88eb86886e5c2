"""What several nodes may rely on that use the same store."""

import asyncio

from chatr.ports import EventLog
from chatr.testing.contract.steps import (
    OpenLog,
    append_chain,
    append_many,
    append_unless_conflict,
    new_draft,
    read_all,
    read_tail,
    run_event_loop,
)


async def test_a_node_reads_what_another_one_appended(open_log: OpenLog) -> None:
    """Every node can read a record as soon as its append has returned."""
    async with open_log() as one, open_log() as other:
        stored = await append_many(one, 3)

        assert (stored, 3) == (await read_all(other), await other.head())


async def test_a_tail_is_woken_by_appends_of_other_nodes(open_log: OpenLog) -> None:
    """A waiting tail yields a record, whichever node appended it."""
    async with open_log() as one, open_log() as other:
        tailing = asyncio.create_task(read_tail(one, 1))
        await run_event_loop(9)

        assert await append_many(other, 1) == await tailing


async def test_a_tail_skips_no_record_of_concurrent_nodes(open_log: OpenLog) -> None:
    """Records become visible in the order of their positions, so a tail that yields one has yielded all before it."""
    async with open_log() as one, open_log() as other:
        tailing = asyncio.create_task(read_tail(one, 1_000))
        await asyncio.gather(*(append_chain(log, f"agent/{n}", 100) for n, log in enumerate([one, other] * 5)))

        assert [each.position for each in await tailing] == list(range(1, 1_001))


async def test_tails_on_two_nodes_yield_the_same_records(open_log: OpenLog) -> None:
    """Tails on two nodes yield the same records in the same order."""
    async with open_log() as one, open_log() as other:
        tailing = asyncio.gather(read_tail(one, 400), read_tail(other, 400))
        await asyncio.gather(*(append_chain(log, f"agent/{n}", 100) for n, log in enumerate([one, other] * 2)))
        first, second = await tailing

        assert first == second


async def test_only_one_append_of_many_nodes_is_first_in_a_stream(open_log: OpenLog) -> None:
    """Of all appends that expect a new stream, on any node, one succeeds."""
    async with open_log() as one, open_log() as other:
        results = await asyncio.gather(
            *(append_unless_conflict(log, new_draft("agent/ada"), 0) for log in [one, other] * 20)
        )

        assert [result for result in results if result] == await read_all(one)


async def test_an_append_repeated_on_another_node_is_stored_once(open_log: OpenLog) -> None:
    """Repetitions on any node return the same record."""
    draft = new_draft()
    async with open_log() as one, open_log() as other:
        results = await asyncio.gather(*(log.append(draft, expected=0) for log in [one, other] * 5))

        assert await read_all(one) * 10 == results


async def test_a_stream_written_by_several_nodes_has_no_fork(open_log: OpenLog) -> None:
    """Each record of a stream follows the one before it, though several nodes append to it concurrently."""

    async def append_ten(log: EventLog) -> None:
        for _ in range(10):
            expected = 0
            while not await append_unless_conflict(log, new_draft("agent/ada"), expected):
                expected = await log.head()

    async with open_log() as one, open_log() as other:
        await asyncio.gather(*(append_ten(log) for log in [one, other] * 2))

        assert [each.previous for each in await read_all(one)] == list(range(40))


async def test_a_record_that_one_node_erased_is_empty_on_all(open_log: OpenLog) -> None:
    """No node returns a text that another one has erased, and each may erase it once more."""
    async with open_log() as one, open_log() as other:
        await append_many(one, 3)
        await read_all(other)
        await one.erase([2])
        await other.erase([2])

        assert [each.is_erased for each in await read_all(other)] == [False, True, False]


async def test_nodes_may_erase_the_same_records_at_once(open_log: OpenLog) -> None:
    """Nodes that erase the same records at the same time, in any order, all complete."""
    async with open_log() as one, open_log() as other:
        await append_many(one, 1_000)
        positions = range(1, 1_001)
        await asyncio.gather(one.erase(positions), other.erase(positions[::-1]), other.erase(positions[::3]))

        assert all(each.is_erased for each in await read_all(one))


async def test_closing_one_node_does_not_affect_others(open_log: OpenLog) -> None:
    """A log that one node has closed stays open for the others."""
    async with open_log() as one:
        async with open_log() as other:
            await append_many(other, 1)
        await append_many(one, 1)

        assert len(await read_tail(one, 2)) == 2
