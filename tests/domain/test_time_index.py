"""The index from time to positions, under clocks that step back."""

from itertools import chain, repeat

from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import ActivityEvent, AgentRegistered, Record
from chatr.domain.limits import MINUTE, Limits
from chatr.domain.time_index import BLOCK_SIZE, SLOT_DURATION, TimeIndex
from chatr.testing.clock import START
from chatr.testing.records import folded_room
from chatr.testing.strategies import histories

TIME = st.integers(-3 * SLOT_DURATION, 9 * SLOT_DURATION)
LOGS = st.lists(st.tuples(TIME, st.integers(1, BLOCK_SIZE + 1)), max_size=5).map(
    lambda runs: list(chain.from_iterable(repeat(at, count) for at, count in runs))
)
"""Times of the records of a log, in which clocks stand still, jump and step back."""
YEAR = 365 * 24 * 60 * MINUTE


def indexed(times: list[int]) -> TimeIndex:
    """The index of a log whose records have these times."""
    index = TimeIndex()
    for position, at in enumerate(times, 1):
        index.apply(position, at)
    return index


@given(LOGS, TIME)
def test_the_last_record_by_a_time_is_in_one_block(times: list[int], at: int) -> None:
    """The last record with a time not later than a given one is in the block that the index names, if there is one."""
    last = max((position for position, each in enumerate(times, 1) if each <= at), default=None)
    block = indexed(times).block_of_last_record_until(at)

    assert (last in block) if block else last is None
    assert block is None or len(block) == BLOCK_SIZE


@given(LOGS, TIME, st.integers(0, 3 * SLOT_DURATION))
def test_no_record_of_a_time_is_before_the_first_position(times: list[int], earliest: int, span: int) -> None:
    """No record with a time in a span is before the position that the index names for the span."""
    matching = [position for position, at in enumerate(times, 1) if earliest <= at <= earliest + span]
    first = indexed(times).first_position_between(earliest, earliest + span)

    assert not matching or (first is not None and first <= matching[0])


@given(LOGS, TIME, st.integers(0, 3 * SLOT_DURATION))
def test_the_first_position_has_about_the_right_time(times: list[int], earliest: int, span: int) -> None:
    """The record at the position that the index names for a span is at most one slot outside the span."""
    first = indexed(times).first_position_between(earliest, earliest + span)

    assert first is None or earliest - SLOT_DURATION < times[first - 1] < earliest + span + SLOT_DURATION


def test_a_clock_that_was_years_ahead_affects_its_own_slot_alone() -> None:
    """A single time that is far off does not make later searches begin at its record, nor hide a later record."""
    index = indexed([START, START + YEAR, *range(START + SLOT_DURATION, START + 200 * SLOT_DURATION, SLOT_DURATION)])

    assert index.first_position_between(START + 100 * SLOT_DURATION, START + 101 * SLOT_DURATION) == 102
    assert index.first_position_between(START + YEAR, START + YEAR) == 2


@given(histories(), st.data())
def test_totals_and_limits_of_any_position(history: list[Record], data: st.DataObject) -> None:
    """The number of agents and the limits at a position are those of the room folded up to there."""
    position = data.draw(st.integers(0, len(history)))
    index, room = folded_room(history).time_index, folded_room(history[:position])

    assert (index.agent_count_at(position), index.limits_at(position)) == (
        len(room.agents),
        room.rule_context.limits,
    )


def test_before_any_limits_were_adopted_the_defaults_hold() -> None:
    """The limits of a log before its first adopted limits are the defaults."""
    assert TimeIndex().limits_at(0) == Limits()


@given(histories())
def test_the_index_grows_with_time_and_not_with_records(history: list[Record]) -> None:
    """Besides registrations, the index has one entry for each ten minutes in which agents did something, and one for
    each thousand records.
    """
    index = folded_room(history).time_index
    of_agents = [record.event for record in history if isinstance(record.event, ActivityEvent)]
    registered = [record.position for record in history if isinstance(record.event, AgentRegistered)]

    assert list(index.registrations) == registered
    assert index.slots == sorted({event.at // SLOT_DURATION for event in of_agents})
    assert len(index.earliest) == -(-len(history) // BLOCK_SIZE)
