"""Messages that are hidden or erased: pages skip them, and nothing of an erased text stays."""

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from time import process_time

import pytest
from attrs import evolve
from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import MessagePosted, Record
from chatr.domain.history import erased_message
from chatr.domain.moderation_events import ErasedRecord, MessageRestored, RecordsErased
from chatr.domain.removals import Removals, VisibilityChange
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.scenario import given
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CRAB,
    CRAB_ERASED,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_REMOVED,
    ERASE,
    POST,
    REMOVE,
    RESTORE,
)

RESTORED = MessageRestored(CRAB, 2, "grace", START)


def visible(room: Room) -> Sequence[int]:
    """The positions of all messages that are not hidden."""
    return [position for position in room.history.positions if position not in room.history.removals]


@pytest.mark.long
@whatever(histories(), st.none() | st.integers(0, 90), st.none() | st.integers(0, 90), st.integers(1, 9))
def test_pages_skip_hidden_messages(history: list[Record], after: int | None, before: int | None, limit: int) -> None:
    """A page has the first or the last messages that are not hidden, and says whether there are more of these."""
    room = folded_room(history)
    between = [each for each in visible(room) if (after or 0) < each < (before or 1_000)] if before != 0 else []
    page = room.history.page(after, before, limit)
    shown = between[:limit] if after is not None else between[-limit:]

    assert (list(page.positions), page.has_more) == (shown, len(between) > limit)
    assert room.history.visible_count == len(visible(room))


@pytest.mark.long
@whatever(histories(), st.integers(0, 9))
def test_the_newest_messages_skip_hidden_ones(history: list[Record], count: int) -> None:
    """The last messages are those that are not hidden."""
    room = folded_room(history)

    shown = visible(room)[-count:] if count else []

    assert [each.cursor.position for each in room.history.last(count)] == shown


def test_a_removed_message_can_be_restored() -> None:
    """A message is removed once and restored once; the changes are in log order."""
    room = folded_room(records_of([CRAB_REGISTERED, CRAB_POSTED, CRAB_REMOVED, RESTORED]))

    given(CRAB_REGISTERED, CRAB_POSTED, CRAB_REMOVED).when(REMOVE).then(AlreadyRecorded(3))
    given(CRAB_REGISTERED, CRAB_POSTED, CRAB_REMOVED, RESTORED).when(RESTORE).then(AlreadyRecorded(4))
    assert room.history.removals.changes == [
        VisibilityChange(3, 2, "It is an advertisement.", restored=False),
        VisibilityChange(4, 2, "", restored=True),
    ]


def test_an_erased_message_stays_hidden() -> None:
    """An erased message cannot be restored, and erasing it again records nothing."""
    past = (CRAB_REGISTERED, CRAB_POSTED, CRAB_REMOVED, CRAB_ERASED)

    given(*past).when(RESTORE).then_rejected("message_erased")
    given(*past).when(ERASE).then(AlreadyRecorded(4))
    assert 2 in folded_room(records_of([*past, RESTORED])).history.removals


def test_an_erased_text_is_not_in_memory() -> None:
    """After an erasure the room holds neither the text nor what it could be guessed from."""
    room = folded_room(records_of([CRAB_REGISTERED, CRAB_POSTED, CRAB_ERASED]))
    record = room.history.record_at(2)
    again = evolve(POST, idempotency_key="first")

    assert record is not None
    assert record.event == MessagePosted(CRAB, "", None, START)
    given(CRAB_REGISTERED, CRAB_POSTED, CRAB_ERASED).when(again).then_rejected("idempotency_mismatch")


def test_a_thousand_erasures_copy_the_hidden_positions_once() -> None:
    """Where hundreds of thousands of messages are hidden, one record that erases a thousand stops nothing.

    The unit of work is a copy of the positions of the hidden messages. Erasures one by one moved them a thousand times.
    """
    hidden = array("q", range(2_000, 202_000))
    named = tuple(ErasedRecord(position, "") for position in range(1, 2_000, 2))
    erasure = RecordsErased(CRAB, named, "It is illegal.", "grace", START)
    erasing, copying = [], []
    for _ in range(5):
        removals = Removals(message_positions=array("q", hidden))
        erasing.append(cpu_seconds(partial(removals.apply, erasure, 300_000)))
        copying.append(cpu_seconds(partial(array, "q", hidden)))

    assert list(removals.message_positions) == [*range(1, 2_000, 2), *hidden]
    assert min(erasing) < 60 * min(copying)


def cpu_seconds(work: Callable[[], object]) -> float:
    """The CPU time that the work takes."""
    began = process_time()
    work()
    return process_time() - began


def without_idempotency(room: Room) -> Room:
    """The room with agents that remember no idempotency keys."""
    room.agents.update((agent.id, evolve(agent, keyed_posts=b"")) for agent in list(room.agents.values()))
    return room


@whatever(histories())
def test_an_erased_log_folds_into_the_same_room(history: list[Record]) -> None:
    """The room of a log whose records were erased is that of the original, except for idempotency keys."""
    erased = {
        each.position for record in history if isinstance(record.event, RecordsErased) for each in record.event.records
    }
    emptied = [
        evolve(record, event=erased_message(record.event.agent, record.event.at))
        if isinstance(record.event, MessagePosted) and record.position in erased
        else record
        for record in history
    ]

    assert without_idempotency(folded_room(emptied)) == without_idempotency(folded_room(history))
