"""What callers may rely on that erase the texts of records."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Conflict, Draft, EventLog, LogUnavailable, Stored
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

MANY: Final = 450
"""Records of more than two groups, in which stores erase."""


async def append_texts(log: EventLog, count: int, length: int = 100) -> list[Stored]:
    """Append records of a stream each, all with different texts."""
    drafts = [new_draft(data=f'"{"secret " * (length // 7)}{number}"') for number in range(count)]
    return await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts))


def without_texts(records: Sequence[Stored], positions: Sequence[int]) -> list[Stored]:
    """Return the records as they are when those at `positions` are erased."""
    return [evolve(each, data="") if each.position in positions else each for each in records]


SELECTIONS: Final = {
    "none": [],
    "the first": [1],
    "the last": [5],
    "some, in any order": [4, 2],
    "one repeatedly": [3, 3, 3],
    "all": [1, 2, 3, 4, 5],
}


@pytest.mark.parametrize("positions", SELECTIONS.values(), ids=SELECTIONS)
async def test_erasing_empties_the_data_and_nothing_else(log: EventLog, positions: list[int]) -> None:
    """Pages, picks and tails return the erased records without data, and otherwise, with all others, as before."""
    expected = without_texts(await append_texts(log, 5), positions)
    await log.erase(positions)

    assert expected == await read_all(log) == await log.pick([1, 2, 3, 4, 5]) == await read_tail(log, 5)
    assert [each.is_erased for each in expected] == [each.position in positions for each in expected]


@pytest.mark.parametrize("length", [7, 1_000, 20_000, 200_000])
async def test_a_text_of_any_length_is_erased(log: EventLog, length: int) -> None:
    """Also texts are erased that a store keeps apart from their records because they are long."""
    written = await append_texts(log, 3, length)
    await log.erase([2])

    assert without_texts(written, [2]) == await read_all(log)


async def test_many_records_are_erased_at_once(log: EventLog) -> None:
    """Any number of positions may be given."""
    written = await append_texts(log, MANY + 2)
    await log.erase(range(MANY + 1, 1, -1))

    assert without_texts(written, range(2, MANY + 2)) == await read_all(log)


async def test_erasing_again_changes_nothing(log: EventLog) -> None:
    """Every node erases what a record says, and again at each start."""
    written = await append_texts(log, 3)
    for positions in ([1], [1], [1, 2], [2]):
        await log.erase(positions)

    assert without_texts(written, [1, 2]) == await read_all(log)


@pytest.mark.parametrize("position", [-1, 0, 4, 2**40])
async def test_erasing_a_record_that_does_not_exist_is_an_error(log: EventLog, position: int) -> None:
    """A position that the log does not hold is not ignored: it may be another log than the caller thinks."""
    await append_texts(log, 3)
    with pytest.raises(LogUnavailable, match="does not hold"):
        await log.erase([position])
    with pytest.raises(LogUnavailable, match="does not hold"):
        await log.erase([1, position, 2])

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


@pytest.mark.parametrize("iterations", [0, 1, 2, 3, 5, 8, 13, 21, 34])
async def test_a_cancelled_erasing_can_be_repeated(log: EventLog, iterations: int) -> None:
    """Wherever it is cancelled, pages, picks and tails agree at last on what was erased, and a repetition completes."""
    written = await append_texts(log, MANY)
    erasing = asyncio.create_task(log.erase(range(1, MANY + 1)))
    for _ in range(iterations):
        await asyncio.sleep(0)
    erasing.cancel()
    await asyncio.wait([erasing])
    # Done after what the cancelled call had begun.
    await log.erase([MANY])
    records = await read_all(log)

    assert records == await read_tail(log, MANY)
    assert records[::-5] == await log.pick(range(MANY, 0, -5))
    assert records == without_texts(written, [each.position for each in records if each.is_erased])
    await log.erase(range(1, MANY + 1))
    assert without_texts(written, range(1, MANY + 1)) == await read_all(log)


def texts_in_memory(record_id: str) -> list[Draft]:
    """Return the objects in memory that are the record with this id and hold its text."""
    return [each for each in gc.get_objects() if isinstance(each, Draft) and each.id == record_id and each.data]


async def append_to_waiting_tail(log: EventLog, tail: AsyncIterator[list[Stored]]) -> str:
    """Append a record for which `tail` waits, let it wait for the next one, and return the record's id."""
    await append_many(log, 1)
    await anext(tail)
    taking = asyncio.ensure_future(anext(tail))
    await run_event_loop(9)
    record_id = (await append_texts(log, 1))[0].id
    await taking
    return record_id


@pytest.mark.parametrize("followed", [False, True])
async def test_no_erased_record_is_left_in_memory(log: EventLog, *, followed: bool) -> None:
    """The log, and a tail that waits for more, soon forget what was erased; what callers hold is theirs."""
    tail = log.tail(None)
    record_id = await append_to_waiting_tail(log, tail) if followed else (await append_texts(log, 1))[0].id
    waiting = asyncio.ensure_future(anext(tail) if followed else asyncio.Event().wait())
    await run_event_loop(9)
    await log.erase([await log.head()])
    async with asyncio.timeout(TIMEOUT):
        while texts_in_memory(record_id):  # noqa: ASYNC110 -- nothing is set when memory is freed
            await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert texts_in_memory(record_id) == []
