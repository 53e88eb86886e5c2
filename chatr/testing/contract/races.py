"""What many at once may rely on."""

import asyncio
from itertools import pairwise

import pytest

from chatr.ports import Conflict, EventLog
from chatr.testing.contract.steps import chain, draft, everything, fill, followed, unless_conflict


async def test_only_one_of_many_equal_expectations_wins(log: EventLog) -> None:
    """Of all drafts that expect the same position in a stream, one lands."""
    answers = await asyncio.gather(*(unless_conflict(log, draft("agent/ada"), 0) for _ in range(40)))
    winners = [answer for answer in answers if answer]

    assert (1, winners) == (len(winners), await everything(log))


async def test_everyone_in_a_crowd_gets_their_own_answer(log: EventLog) -> None:
    """A conflict is the affair of its caller: those beside it land."""
    await chain(log, "agent/ada", 1)
    crowd = [draft("agent/ada" if number % 5 == 0 else None) for number in range(50)]
    answers = await asyncio.gather(*(unless_conflict(log, each, 0) for each in crowd))

    assert [None if number % 5 == 0 else each for number, each in enumerate(crowd)] == [
        answer and answer.draft for answer in answers
    ]


async def test_a_draft_that_cannot_be_stored_harms_nobody_else(log: EventLog) -> None:
    """An error is the affair of its caller, too."""
    crowd = [draft(data='"\ud83e"' if number == 5 else "{}") for number in range(10)]
    answers = await asyncio.gather(*(log.append(each, expected=0) for each in crowd), return_exceptions=True)

    assert [number == 5 for number in range(10)] == [isinstance(answer, ValueError) for answer in answers]


async def test_appends_called_in_order_land_in_that_order(log: EventLog) -> None:
    """Who asks first is stored first, also when nobody waits for an answer."""
    stored = await fill(log, 500)

    assert [each.position for each in stored] == list(range(1, 501))


async def test_a_chain_lands_whose_links_are_sent_together(log: EventLog) -> None:
    """A draft may expect the record that was sent just before it and is not acknowledged yet."""
    links = await asyncio.gather(*(log.append(draft("agent/ada"), expected=number) for number in range(50)))

    assert [each.previous for each in links] == list(range(50))


async def test_the_same_draft_sent_twice_at_once_is_stored_once(log: EventLog) -> None:
    """A hasty second try gets the answer of the first."""
    again = draft("agent/ada")
    answers = await asyncio.gather(*(log.append(again, expected=0) for _ in range(5)))

    assert await everything(log) * 5 == answers


async def test_a_rival_sent_together_with_the_winner_is_told_its_position(log: EventLog) -> None:
    """Inside one commit a conflict is as exact as after it."""
    first, second = await asyncio.gather(
        log.append(draft("agent/ada"), expected=0), log.append(draft("agent/ada"), expected=0), return_exceptions=True
    )

    assert not isinstance(first, BaseException)
    assert isinstance(second, Conflict)
    assert second.position in {first.position, None}


async def test_a_tail_sees_what_many_write_once_and_in_order(log: EventLog) -> None:
    """Whatever the writers do, a tail is the log: no hole, no double, nothing left out."""
    following = asyncio.create_task(followed(log, 1_000))
    await asyncio.gather(*(chain(log, f"agent/{number}", 100) for number in range(10)))

    assert await everything(log) == await following


async def test_every_stream_is_a_chain(log: EventLog) -> None:
    """Each record of a stream names the one before it, though ten writers race for the stream's next place."""

    async def insist() -> None:
        for _ in range(20):
            expected = 0
            while not await unless_conflict(log, draft("agent/ada"), expected):
                expected = await log.head()

    await asyncio.gather(*(insist() for _ in range(10)))
    found = await everything(log)

    assert len(found) == 200
    assert [one.position for one, _ in pairwise(found)] == [other.previous for _, other in pairwise(found)]


@pytest.mark.long
async def test_a_tail_sees_what_many_write_for_a_long_time(log: EventLog) -> None:
    """As above, with 100 writers and 50,000 records."""
    following = asyncio.create_task(followed(log, 50_000, patience=100))
    await asyncio.gather(*(chain(log, f"agent/{number}", 500) for number in range(100)))

    assert await everything(log) == await following
