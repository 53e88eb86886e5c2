"""What callers may rely on that use a log concurrently."""

import asyncio
from itertools import pairwise

import pytest

from chatr.ports import Conflict, EventLog
from chatr.testing.contract.steps import (
    LONE_SURROGATES,
    append_chain,
    append_many,
    append_unless_conflict,
    new_draft,
    read_all,
    read_tail,
)


async def test_only_one_of_many_equal_expectations_succeeds(log: EventLog) -> None:
    """Of all appends that expect the same position in a stream, one succeeds."""
    results = await asyncio.gather(*(append_unless_conflict(log, new_draft("agent/ada"), 0) for _ in range(40)))
    stored = [result for result in results if result]

    assert (1, stored) == (len(stored), await read_all(log))


async def test_a_conflict_does_not_affect_concurrent_appends(log: EventLog) -> None:
    """Every concurrent append gets its own result: those that conflict fail, the others succeed."""
    await append_chain(log, "agent/ada", 1)
    drafts = [new_draft("agent/ada" if number % 5 == 0 else None) for number in range(50)]
    results = await asyncio.gather(*(append_unless_conflict(log, draft, 0) for draft in drafts))

    assert [None if number % 5 == 0 else draft for number, draft in enumerate(drafts)] == [
        result and result.draft for result in results
    ]


@pytest.mark.parametrize("surrogate", LONE_SURROGATES, ids=ascii)
async def test_a_draft_that_cannot_be_stored_does_not_affect_concurrent_appends(log: EventLog, surrogate: str) -> None:
    """Only the append of a draft with a lone surrogate fails."""
    drafts = [new_draft(data=f'"{surrogate}"' if number == 5 else "{}") for number in range(10)]
    results = await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts), return_exceptions=True)

    assert [number == 5 for number in range(10)] == [isinstance(result, ValueError) for result in results]


async def test_concurrent_appends_are_stored_in_the_order_of_their_calls(log: EventLog) -> None:
    """The append that was called first is stored first, though none was awaited."""
    stored = await append_many(log, 500)

    assert [each.position for each in stored] == list(range(1, 501))


async def test_concurrent_appends_may_expect_one_another(log: EventLog) -> None:
    """A draft may expect the position of the append called just before it, which has not returned yet."""
    stored = await asyncio.gather(*(log.append(new_draft("agent/ada"), expected=number) for number in range(50)))

    assert [each.previous for each in stored] == list(range(50))


async def test_concurrent_appends_of_the_same_draft_are_stored_once(log: EventLog) -> None:
    """All concurrent appends of one draft return the same record."""
    draft = new_draft("agent/ada")
    results = await asyncio.gather(*(log.append(draft, expected=0) for _ in range(5)))

    assert await read_all(log) * 5 == results


async def test_a_conflict_between_concurrent_appends_has_the_position_or_none(log: EventLog) -> None:
    """A conflict within one commit names the record that follows, as one with an older record does."""
    first, second = await asyncio.gather(
        log.append(new_draft("agent/ada"), expected=0),
        log.append(new_draft("agent/ada"), expected=0),
        return_exceptions=True,
    )

    assert not isinstance(first, BaseException)
    assert isinstance(second, Conflict)
    assert second.position in {first.position, None}


async def test_a_tail_yields_concurrent_appends_once_and_in_order(log: EventLog) -> None:
    """With ten concurrent writers, a tail has no hole, no record twice, and leaves none out."""
    tailing = asyncio.create_task(read_tail(log, 1_000))
    await asyncio.gather(*(append_chain(log, f"agent/{number}", 100) for number in range(10)))

    assert await read_all(log) == await tailing


async def test_a_stream_with_concurrent_writers_has_no_fork(log: EventLog) -> None:
    """Each record of a stream follows the one before it, though ten writers append to it concurrently."""

    async def append_twenty() -> None:
        for _ in range(20):
            expected = 0
            # All records are of this stream, so its last position is that of the log.
            while not await append_unless_conflict(log, new_draft("agent/ada"), expected):
                expected = await log.head()

    await asyncio.gather(*(append_twenty() for _ in range(10)))
    records = await read_all(log)

    assert len(records) == 200
    assert [one.position for one, _ in pairwise(records)] == [other.previous for _, other in pairwise(records)]


@pytest.mark.long
async def test_a_tail_yields_many_concurrent_appends_once_and_in_order(log: EventLog) -> None:
    """With 100 concurrent writers and 50,000 records, a tail is the log as well."""
    tailing = asyncio.create_task(read_tail(log, 50_000, timeout=100))
    await asyncio.gather(*(append_chain(log, f"agent/{number}", 500) for number in range(100)))

    assert await read_all(log) == await tailing
