"""What a caller may rely on that follows a log with a tail."""

import asyncio

import pytest

from chatr.domain.events import Cursor
from chatr.ports import EventLog, LogChanged, Stored
from chatr.testing.contract.steps import (
    TIMEOUT,
    append_chain,
    append_many,
    append_unless_conflict,
    new_draft,
    next_records,
    read_all,
    read_tail,
    run_event_loop,
)


async def test_a_tail_without_a_cursor_begins_with_the_first_record(log: EventLog) -> None:
    """Without a cursor, a tail yields the whole log in order."""
    written = await append_chain(log, "agent/ada", 5)

    assert written == await read_tail(log, 5)


async def test_a_tail_begins_after_its_cursor(log: EventLog) -> None:
    """The first record of a tail is the one after the cursor's."""
    written = await append_many(log, 5)

    assert written[3:] == await read_tail(log, 2, after=written[2].cursor)


async def test_a_tail_at_the_head_waits_for_the_next_record(log: EventLog) -> None:
    """A tail that has yielded all records waits, and then yields the next one."""
    written = await append_many(log, 3)
    tailing = asyncio.create_task(read_tail(log, 1, after=written[-1].cursor))
    await run_event_loop(9)
    waited = not tailing.done()
    stored = await log.append(new_draft(), expected=0)

    assert (True, [stored]) == (waited, await tailing)


async def test_a_tail_of_an_empty_log_waits_for_its_first_record(log: EventLog) -> None:
    """A tail may be started before the log has a record."""
    tailing = asyncio.create_task(read_tail(log, 1))
    await run_event_loop(9)
    stored = await log.append(new_draft(), expected=0)

    assert [stored] == await tailing


async def test_a_tail_yields_records_one_after_the_other(log: EventLog) -> None:
    """A tail yields each of the records that are appended one by one exactly once."""
    tail = log.tail(None)
    appended, received = [], []
    for _ in range(20):
        appended += await append_many(log, 1)
        received += await next_records(tail, 1)

    assert appended == received


async def test_a_batch_is_never_empty(log: EventLog) -> None:
    """An append that stores nothing, such as a conflict, does not make a tail yield an empty batch."""
    await append_chain(log, "agent/ada", 1)
    tail = log.tail(None)
    await next_records(tail, 1)
    tailing = asyncio.ensure_future(anext(tail))
    await run_event_loop(9)
    await append_unless_conflict(log, new_draft("agent/ada"), 0)
    [stored] = await append_chain(log, "agent/ada", 1, expected=1)
    async with asyncio.timeout(TIMEOUT):
        batch = await tailing

    assert [stored] == batch


async def test_a_tail_misses_no_record_appended_while_it_begins_to_wait(log: EventLog) -> None:
    """A record that is appended between a tail's last read and its wait is yielded."""
    tail = log.tail(None)
    received = []
    for number in range(100):
        tailing = asyncio.create_task(next_records(tail, 1))
        # At ten different moments of the tail's read and wait.
        await run_event_loop(number % 10)
        await append_many(log, 1)
        received += await tailing

    assert received == await read_all(log)


async def test_a_tail_misses_no_record_appended_while_it_reads(log: EventLog) -> None:
    """A record that is stored at any moment of a tail's read is yielded by this read or the next."""
    tail = log.tail(None)
    received = []
    for number in range(300):
        appending = asyncio.create_task(append_many(log, 1))
        # At sixty different moments of the append.
        await run_event_loop(number % 60)
        received += await next_records(tail, 1)
        await appending

    assert received == await read_all(log)


async def test_a_record_that_is_appended_twice_at_once_is_yielded_once(log: EventLog) -> None:
    """A tail that waits while the same draft is appended twice at the same time, as by a retry, yields it once."""
    tail, draft = log.tail(None), new_draft()
    await append_many(log, 1)
    await next_records(tail, 1)
    tailing = asyncio.create_task(next_records(tail, 2))
    await run_event_loop(9)
    both = await asyncio.gather(*(log.append(draft, expected=0) for _ in range(2)))
    written = [both[0], *await append_many(log, 1)]

    assert written == await tailing


async def test_two_tails_are_independent(log: EventLog) -> None:
    """Every tail yields every record, whatever others have read."""
    one, other = log.tail(None), log.tail(None)
    await append_many(log, 3)
    early = await next_records(one, 3)
    await append_many(log, 3)

    assert await read_all(log) == early + await next_records(one, 3) == await next_records(other, 6)


async def test_a_slow_tail_delays_neither_writers_nor_other_tails(log: EventLog) -> None:
    """A tail from which nobody reads for a while yields all records later, and delays nobody meanwhile."""
    await append_many(log, 1)
    slow = log.tail(None)
    taken = await next_records(slow, 1)
    await append_many(log, 3_000)
    fast = await read_tail(log, 3_001)

    assert fast == taken + await next_records(slow, 3_000)


async def test_a_tail_resumes_where_another_one_ended(log: EventLog) -> None:
    """The cursor of the last record is all that a new tail needs to resume."""
    written = await append_many(log, 10)
    received: list[Stored] = []
    while len(received) < 10:
        received += [(await read_tail(log, 1, after=received[-1].cursor if received else None))[0]]

    assert written == received


async def test_a_cursor_of_another_record_is_rejected(log: EventLog) -> None:
    """A cursor whose position has another record raises LogChanged: a restored log uses positions again."""
    written = await append_many(log, 3)
    with pytest.raises(LogChanged):
        await read_tail(log, 1, after=Cursor(2, written[2].cursor.fingerprint))


@pytest.mark.parametrize("position", [-1, 0, 3, 4, 2**40])
async def test_a_cursor_outside_the_log_is_rejected(log: EventLog, position: int) -> None:
    """A cursor at a position without a record raises LogChanged: the log was cut or replaced."""
    written = await append_many(log, 2)
    with pytest.raises(LogChanged):
        await read_tail(log, 1, after=Cursor(position, written[-1].cursor.fingerprint))


async def test_a_cursor_in_an_empty_log_is_rejected(log: EventLog) -> None:
    """A tail with a cursor raises LogChanged in an empty log, instead of waiting for ever."""
    with pytest.raises(LogChanged):
        await read_tail(log, 1, after=Cursor(1, "00000000"))
