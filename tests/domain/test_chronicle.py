"""Where a moment is in the log, found without looking at every record."""

from itertools import chain, repeat

from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.chronicle import BLOCK, SLOT, Chronicle
from chatr.domain.events import AgentRegistered, Record
from chatr.domain.limits import MINUTE, Limits
from chatr.testing.clock import START
from chatr.testing.records import folded
from chatr.testing.strategies import histories

WHEN = st.integers(-3 * SLOT, 9 * SLOT)
LOGS = st.lists(st.tuples(WHEN, st.integers(1, BLOCK + 1)), max_size=5).map(
    lambda runs: list(chain.from_iterable(repeat(at, count) for at, count in runs))
)
"""Times of the records of a log, in which clocks stand still, jump and step back."""
YEAR = 365 * 24 * 60 * MINUTE


def chronicled(times: list[int]) -> Chronicle:
    chronicle = Chronicle()
    for position, at in enumerate(times, 1):
        chronicle.apply(position, at)
    return chronicle


@given(LOGS, WHEN)
def test_the_last_record_by_a_time_is_in_one_block(times: list[int], at: int) -> None:
    """Whatever clocks did, the last record that is not later is among a thousand; or there is none."""
    last = max((position for position, each in enumerate(times, 1) if each <= at), default=None)
    block = chronicled(times).block_by(at)

    assert (last in block) if block else last is None
    assert block is None or len(block) == BLOCK


@given(LOGS, WHEN, st.integers(0, 3 * SLOT))
def test_nothing_was_recorded_within_before_the_first(times: list[int], least: int, span: int) -> None:
    """Whoever looks for records of some time need not look before that position, wherever clocks put them."""
    within = [position for position, at in enumerate(times, 1) if least <= at <= least + span]
    first = chronicled(times).first_within(least, least + span)

    assert not within or (first is not None and first <= within[0])


@given(LOGS, WHEN, st.integers(0, 3 * SLOT))
def test_the_first_within_is_near(times: list[int], least: int, span: int) -> None:
    """The record found is of that time, give or take what one slot is long."""
    first = chronicled(times).first_within(least, least + span)

    assert first is None or least - SLOT < times[first - 1] < least + span + SLOT


def test_a_clock_that_was_years_ahead_hides_nothing() -> None:
    """A single wild time neither draws every later search back to it nor keeps a later record from being found."""
    chronicle = chronicled([START, START + YEAR, *range(START + SLOT, START + 200 * SLOT, SLOT)])

    assert chronicle.first_within(START + 100 * SLOT, START + 101 * SLOT) == 102
    assert chronicle.first_within(START + YEAR, START + YEAR) == 2


@given(histories(), st.data())
def test_totals_and_limits_of_any_position(history: list[Record], data: st.DataObject) -> None:
    """How many had registered, and by which limits the room went, is what folding the log up to there tells."""
    position = data.draw(st.integers(0, len(history)))
    chronicle, then = folded(history).chronicle, folded(history[:position])

    assert (chronicle.agents_at(position), chronicle.limits_at(position)) == (len(then.agents), then.house.limits)


def test_a_log_before_its_limits_goes_by_the_published_ones() -> None:
    """Where none were adopted yet, the defaults are in force."""
    assert Chronicle().limits_at(0) == Limits()


@given(histories())
def test_it_grows_with_time_and_not_with_records(history: list[Record]) -> None:
    """Besides registrations it keeps no more than an entry for each ten minutes and each thousand records."""
    chronicle = folded(history).chronicle
    came = [record.position for record in history if isinstance(record.event, AgentRegistered)]

    assert chronicle.registered == came
    assert chronicle.slots == sorted({record.event.at // SLOT for record in history})
    assert len(chronicle.earliest) == -(-len(history) // BLOCK)
