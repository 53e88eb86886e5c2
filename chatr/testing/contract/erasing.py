"""What callers may rely on that erase the texts of records."""

import asyncio
import gc
from collections.abc import AsyncIterator, Container, Sequence
from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Conflict, Draft, EventLog, LogUnavailable, Stored
from chatr.testing.contract.cancelling import cancel_after
from chatr.testing.contract.steps import (
    TIMEOUT,
    append_chain,
    append_many,
    new_draft,
    next_records,
    read_all,
    read_tail,
    run_event_loop,
)

MANY: Final = 410
"""Records of three groups, in which stores erase."""


async def append_texts(log: EventLog, count: int, length: int = 100) -> list[Stored]:
    """Append records of a stream each, all with different texts."""
    drafts = [new_draft(data=f'"{"secret " * (length // 7)}{number}"') for number in range(count)]
    return await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts))


def without_texts(records: Sequence[Stored], positions: Container[int]) -> list[Stored]:
    """Return the records as they are when those at `positions` are erased."""
    return [evolve(each, data="") if each.position in positions else each for each in records]


async def test_erasing_empties_the_data_and_nothing_else(log: EventLog) -> None:
    """Pages, picks and tails return erased records without data, and otherwise, with all others, as before."""
    written, erased = await append_texts(log, 7), set[int]()
    # Nothing; the first, the last, some in any order, one repeatedly and once more, all.
    for positions in ([], [1], [7], [4, 2], [3, 3, 3], [3, 5], range(1, 8)):
        await log.erase(positions)
        erased |= set(positions)
        expected = without_texts(written, erased)

        assert expected == await read_all(log) == await log.pick(range(1, 8)) == await read_tail(log, 7)
        assert [each.is_erased for each in expected] == [each.position in erased for each in expected]


async def test_a_text_of_any_length_is_erased(log: EventLog) -> None:
    """Also texts are erased that a store keeps apart from their records because they are long."""
    lengths = (7, 1_000, 20_000, 200_000)
    written = [stored for length in lengths for stored in await append_texts(log, 2, length)]
    await log.erase([2, 4, 6, 8])

    assert without_texts(written, [2, 4, 6, 8]) == await read_all(log)


async def test_many_records_are_erased_at_once(log: EventLog) -> None:
    """Any number of positions may be given."""
    written = await append_texts(log, MANY + 2)
    await log.erase(range(MANY + 1, 1, -1))

    assert without_texts(written, range(2, MANY + 2)) == await read_all(log)


async def test_erasing_a_record_that_does_not_exist_is_an_error(log: EventLog) -> None:
    """A position that the log does not hold is not ignored: it may be another log than the caller thinks."""
    await append_texts(log, 3)
    for position in (-1, 0, 4, 2**40, 2**70):
        for positions in ([position], [1, position, 2]):
            with pytest.raises(LogUnavailable, match=r"does not hold|out of range"):
                await log.erase(positions)

    assert not (await log.read(2, 1))[0].is_erased


async def test_what_follows_an_erased_record_is_appended_as_before(log: EventLog) -> None:
    """Its stream continues after an erased record, and the log after its last one."""
    await append_chain(log, "agent/ada", 2)
    await log.erase([1, 2])
    stored = await append_chain(log, "agent/ada", 1, expected=2) + await append_many(log, 1)
    with pytest.raises(Conflict):
        await log.append(new_draft("agent/ada"), expected=1)

    assert [each.position for each in stored] == [3, 4]
    assert [each.previous for each in await read_all(log)] == [0, 1, 2, 0]


async def test_a_repeated_append_of_an_erased_record_stores_nothing(log: EventLog) -> None:
    """A late repetition gets the position of the record, whose text does not come back by it."""
    draft = new_draft("agent/ada", data='"secret"')
    first = await log.append(draft, expected=0)
    await log.erase([1])
    again = await log.append(draft, expected=0)

    assert (first.position, first.record_hash) == (again.position, again.record_hash)
    assert without_texts([first], [1]) == await read_all(log) == await read_tail(log, 1)


async def test_another_draft_in_the_place_of_an_erased_record_is_a_conflict(log: EventLog) -> None:
    """A repetition is recognised by its hash, which covers the erased text."""
    first = await log.append(new_draft("agent/ada", data='"secret"'), expected=0)
    await log.erase([1])
    for data in ('"public"', ""):
        with pytest.raises(Conflict):
            await log.append(evolve(first.draft, data=data), expected=0)

    assert await log.head() == 1


async def test_a_cursor_of_an_erased_record_is_valid(log: EventLog) -> None:
    """A reader whose last record was erased goes on after it."""
    written = await append_texts(log, 3)
    await log.erase([2])

    assert written[2:] == await read_tail(log, 1, after=written[1].cursor)


async def test_a_tail_goes_on_while_records_are_erased(log: EventLog) -> None:
    """A tail yields what was erased before it came there without data, and nothing twice."""
    tail = log.tail(None)
    written = await append_texts(log, 3)
    received = await next_records(tail, 3)
    await log.erase([2])
    written += await append_texts(log, 2)
    await log.erase([5])
    received += await next_records(tail, 2)

    assert without_texts(written, [5]) in (received, [*received[:4], evolve(received[4], data="")])


async def test_records_are_appended_while_others_are_erased(log: EventLog) -> None:
    """Appends and erasing do not disturb each other."""
    written = await append_texts(log, MANY)
    results = await asyncio.gather(append_texts(log, MANY), log.erase(range(1, MANY + 1)), append_texts(log, MANY))
    expected = without_texts(written, range(1, MANY + 1)) + results[0] + results[2]

    assert sorted(expected, key=lambda each: each.position) == await read_all(log)


async def test_a_record_may_be_erased_by_several_callers_at_once(log: EventLog) -> None:
    """Callers that erase the same records at the same time do not wait for each other in a circle."""
    written = await append_texts(log, MANY)
    await asyncio.gather(*(log.erase(range(1, MANY + 1)[:: 1 if number % 2 else -1]) for number in range(4)))

    assert without_texts(written, range(1, MANY + 1)) == await read_all(log)


async def test_a_cancelled_erasing_can_be_repeated(log: EventLog) -> None:
    """Wherever it is cancelled, pages, picks and tails agree at last on what was erased, and a repetition completes."""
    written = await append_texts(log, MANY)
    for iterations in (0, 1, 2, 3, 5, 8, 13, 21, 34):
        written += await append_texts(log, 1)
        await cancel_after(asyncio.create_task(log.erase(range(1, len(written) + 1))), iterations)
        # Done after what the cancelled call had begun.
        await log.erase([1])
        records = await read_all(log)

        assert records == await read_tail(log, len(written))
        assert records[::-5] == await log.pick(range(len(written), 0, -5))
        assert records == without_texts(written, {each.position for each in records if each.is_erased})
    await log.erase(range(1, len(written) + 1))
    assert all(each.is_erased for each in await read_all(log))


def texts_in_memory() -> list[Draft]:
    """Return the records in memory whose text contains "erased soon"."""
    return [each for each in gc.get_objects() if isinstance(each, Draft) and "erased soon" in each.data]


async def append_to_waiting_tail(log: EventLog, tail: AsyncIterator[list[Stored]], text: str) -> None:
    """Append a record for which `tail` waits."""
    await append_many(log, 1)
    await anext(tail)
    taking = asyncio.ensure_future(anext(tail))
    await run_event_loop(9)
    await log.append(new_draft(data=text), expected=0)
    await taking


async def test_no_erased_record_is_left_in_memory(log: EventLog) -> None:
    """The log, and a tail that waits for more, soon forget what was erased; what callers hold is theirs."""
    tail = log.tail(None)
    await append_to_waiting_tail(log, tail, '"1, erased soon"')
    waiting = asyncio.ensure_future(anext(tail))
    await run_event_loop(9)
    await log.erase([2])
    async with asyncio.timeout(TIMEOUT):
        while texts_in_memory():
            # Nothing is set when memory is freed, and each search looks at all objects of the process.
            await run_event_loop(100)
    waiting.cancel()
    await asyncio.wait([waiting])
    # With no tail that takes it.
    await log.append(new_draft(data='"2, erased soon"'), expected=0)
    await log.erase([3])

    assert texts_in_memory() == []
