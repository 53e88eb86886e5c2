"""What callers may rely on when a log is closed, and when the process ends. For stores that outlive their process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Draft, EventLog, LogUnavailable, Stored
from chatr.testing.contract.appends import STORED_TEXTS, STREAM_NAMES
from chatr.testing.contract.steps import (
    TIMEOUT,
    OpenLog,
    append_chain,
    append_many,
    new_draft,
    next_records,
    no_tasks_or_threads_left,
    read_all,
    read_tail,
    run_event_loop,
)


async def test_an_appended_record_is_durable(open_log: OpenLog) -> None:
    """A record whose append has returned is there, unchanged, when the log is opened again."""
    async with open_log() as log:
        written = await append_many(log, 300) + await append_chain(log, "agent/ada", 3)
    async with open_log() as log:
        assert written == await read_all(log)


async def test_every_field_is_durable_character_by_character(open_log: OpenLog) -> None:
    """Every field, text and stream name is read from the disk as it was returned by the append."""
    drafts = [new_draft(stream) for stream in STREAM_NAMES] + [new_draft(data=text) for text in STORED_TEXTS.values()]
    drafts.append(Draft("0" * 36, "agent/ada", "noted.v2", 2**53, 2**31, '{"a": 1}'))
    async with open_log() as log:
        stored = [await log.append(draft, expected=0) for draft in drafts]
    async with open_log() as log:
        assert stored == await read_all(log)


async def test_positions_continue_after_a_restart(open_log: OpenLog) -> None:
    """The next record after a restart has the next position."""
    async with open_log() as log:
        await append_many(log, 3)
    async with open_log() as log:
        assert (await log.append(new_draft(), expected=0)).position == 4


async def test_an_expectation_may_be_of_before_a_restart(open_log: OpenLog) -> None:
    """A draft may follow a record that another process appended."""
    async with open_log() as log:
        [first] = await append_chain(log, "agent/ada", 1)
    async with open_log() as log:
        [second] = await append_chain(log, "agent/ada", 1, expected=1)

        assert [first, second] == await read_all(log)


async def test_an_append_repeated_after_a_restart_is_stored_once(open_log: OpenLog) -> None:
    """A repetition in the next process returns the record that the first one stored."""
    draft = new_draft()
    async with open_log() as log:
        first = await log.append(draft, expected=0)
    async with open_log() as log:
        second = await log.append(draft, expected=0)

        assert (first, 1) == (second, await log.head())


async def test_a_cursor_is_valid_after_a_restart(open_log: OpenLog) -> None:
    """A tail in the next process begins after the cursor."""
    async with open_log() as log:
        written = await append_many(log, 5)
    async with open_log() as log:
        written += await append_many(log, 1)

        assert written[3:] == await read_tail(log, 3, after=written[2].cursor)


async def test_a_tail_yields_records_of_before_and_after_a_restart(open_log: OpenLog) -> None:
    """Records that were there when the log was opened and those appended since are one sequence."""
    async with open_log() as log:
        written = await append_many(log, 1_500)
    async with open_log() as log:
        tail = log.tail(None)
        received = await next_records(tail, 1)
        written += await append_many(log, 1_500)

        assert written == received + await next_records(tail, 3_000 - len(received))


async def test_what_was_erased_stays_erased(open_log: OpenLog) -> None:
    """A record that was erased is empty when the log is opened again, and erasing it again is no error."""
    async with open_log() as log:
        written = await append_chain(log, "agent/ada", 5)
        await log.erase([2, 4])
    async with open_log() as log:
        await log.erase([2])

        assert [evolve(each, data="") if each.position in {2, 4} else each for each in written] == await read_all(log)


async def test_what_was_restored_is_durable(open_log: OpenLog) -> None:
    """Restored records are there when the log is opened again, and may be restored again."""
    records = [new_draft(data="").at_position(position, 0, bytes(32)) for position in (1, 2, 3)]
    async with open_log() as log:
        await log.restore(records)
    async with open_log() as log:
        await log.restore(records)

        assert records == await read_all(log)


@pytest.mark.parametrize("iterations", [0, 1, 3, 9, 27])
async def test_closing_ends_every_erasing(open_log: OpenLog, iterations: int) -> None:
    """Whoever erases while the log is closed is not left waiting: it is done, or raises LogUnavailable."""
    async with open_log() as log:
        await append_many(log, 500)
        erasing = asyncio.create_task(log.erase(range(1, 501)))
        await run_event_loop(iterations)
    async with asyncio.timeout(TIMEOUT):
        [result] = await asyncio.gather(erasing, return_exceptions=True)

    assert result is None or isinstance(result, LogUnavailable)


# Before, during and after the first commits.
@pytest.mark.parametrize("iterations", [0, 1, 3, 9, 27])
async def test_closing_gives_every_waiting_append_its_result(open_log: OpenLog, iterations: int) -> None:
    """Every append that waits while the log is closed returns its record, or raises LogUnavailable and stores
    nothing.
    """
    async with open_log() as log:
        appends = [asyncio.create_task(log.append(new_draft(), expected=0)) for _ in range(1_000)]
        await run_event_loop(iterations)
    async with asyncio.timeout(TIMEOUT):
        results = await asyncio.gather(*appends, return_exceptions=True)
    async with open_log() as log:
        assert [each for each in results if isinstance(each, Stored)] == await read_all(log)
    assert {type(each) for each in results} <= {Stored, LogUnavailable}


CALLS: Final[dict[str, Callable[[EventLog], Awaitable[object]]]] = {
    "append": lambda log: log.append(new_draft(), expected=0),
    "read": lambda log: log.read(0, 10),
    "pick": lambda log: log.pick([1]),
    "head": lambda log: log.head(),
    "erase": lambda log: log.erase([1]),
    "restore": lambda log: log.restore([new_draft().at_position(2, 0, bytes(32))]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_closed_log_is_unavailable(open_log: OpenLog, call: Callable[[EventLog], Awaitable[object]]) -> None:
    """Everything that is asked of a closed log raises LogUnavailable, and no error of the driver."""
    async with open_log() as log:
        await append_many(log, 1)
    async with open_log() as closed:
        pass
    with pytest.raises(LogUnavailable):
        await call(closed)


async def test_closing_does_not_wait_for_tails(open_log: OpenLog) -> None:
    """A log closes though a tail waits for records; the tail goes on waiting until it is cancelled."""
    async with asyncio.timeout(TIMEOUT), open_log() as log:
        tailing = asyncio.create_task(read_tail(log, 1))
        await run_event_loop(9)
    tailing.cancel()
    await asyncio.wait([tailing])

    assert tailing.cancelled()


async def test_closing_leaves_no_tasks_or_threads(open_log: OpenLog) -> None:
    """No task and no thread outlives the log, so that the process can end."""
    with no_tasks_or_threads_left():
        async with open_log() as log:
            await read_tail(log, len(await append_many(log, 3)))


async def test_cancelling_the_owner_closes_the_log(open_log: OpenLog) -> None:
    """A log whose owner is cancelled, as by a signal, can be opened again."""
    appended = asyncio.Event()

    async def own() -> None:
        async with open_log() as log:
            await append_many(log, 3)
            appended.set()
            await read_tail(log, 4)

    owner = asyncio.create_task(own())
    await appended.wait()
    owner.cancel()
    await asyncio.wait([owner])
    async with open_log() as log:
        assert await log.head() == 3


async def test_an_error_of_the_owner_is_not_hidden_by_closing(open_log: OpenLog) -> None:
    """An error that is raised while the log is open is raised after it is closed."""
    with pytest.raises(ZeroDivisionError):
        async with open_log() as log:
            await append_many(log, 1 // 0)
