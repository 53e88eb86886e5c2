"""An audit finds whatever was changed in a log: fields, order, missing records, and times that cannot be."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatr.codec import UnreadableRecord
from chatr.domain.chain import ChainPoint
from chatr.domain.events import Record
from chatr.domain.limits import HOUR
from chatr.past.audit import Finding
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.secrets import record_id
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CRAB,
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    LOBSTER_REGISTERED,
    SHRIMP_REGISTERED,
)
from tests.past.audit_findings import (
    ADOPTED,
    NOW,
    chain_point,
    errors_in,
    findings_in,
    forged,
    log_of,
    stored_at,
    stored_records,
)

CRABS: Final = log_of(ADOPTED, CRAB_REGISTERED, CRAB_SEEN, CRAB_POSTED)
CHANGES: Final[dict[str, Callable[[Stored], Stored]]] = {
    "id": lambda each: evolve(each, id=record_id(99)),
    "stream": lambda each: evolve(each, stream=f"{each.stream}x"),
    "at": lambda each: evolve(each, at=each.at + 1),
    "seen": lambda each: evolve(each, decided_at_position=each.decided_at_position - 1),
    "data": lambda each: evolve(each, data=f"{each.data} "),
}


@given(history=histories(moderated=False).filter(bool), data=st.data())
def test_a_changed_field_is_found_at_its_position(history: list[Record], data: st.DataObject) -> None:
    """A record of which one field was changed, whichever, no longer fits its hash."""
    records = stored_records(history)
    victim = data.draw(st.sampled_from(records))
    sentence = "Its record hash does not match its content: it was changed after it was stored."
    unnoticed = []
    # For each history all fields, because making a history takes longer than auditing it.
    for field, change in CHANGES.items():
        records[victim.position - 1] = change(victim)
        if (victim.position, sentence) not in errors_in(records):
            unnoticed.append(field)

    assert unnoticed == []


# Without erasures, which are not carried out in these logs.
@given(history=histories(moderated=False).filter(bool), data=st.data())
def test_a_forged_record_is_found_between_two_chain_points(history: list[Record], data: st.DataObject) -> None:
    """A forger can compute the hash of a record again, but not the chain hashes that others wrote down."""
    records = stored_records(history)
    points = [chain_point(records, position) for position in range(1, len(records) + 1)]
    victim = data.draw(st.sampled_from(records))
    forgery = stored_at(victim.position, victim.previous, evolve(victim.draft, id=record_id(99_999)))
    records[victim.position - 1] = forgery

    sentence = (
        f"The head is not the expected one: something from position {victim.position} to {victim.position} was changed."
    )
    assert errors_in(records, *points) == [(victim.position, sentence)]


@given(history=histories(moderated=False).filter(lambda history: len(history) > 1), data=st.data())
def test_a_removed_record_is_found(history: list[Record], data: st.DataObject) -> None:
    """After a removed record the next position is wrong, or the expected chain point lies beyond the end."""
    records = stored_records(history)
    last = chain_point(records, len(records))
    removed = data.draw(st.sampled_from(records))
    records.remove(removed)

    assert [finding.position for finding in findings_in(records, last) if not finding.note]


@given(history=histories(moderated=False).filter(lambda history: len(history) > 1), data=st.data())
def test_two_swapped_records_are_found(history: list[Record], data: st.DataObject) -> None:
    """The chain hash proves the order, even where neither stream nor position shows the change."""
    records = stored_records(history)
    last = chain_point(records, len(records))
    first = data.draw(st.integers(0, len(records) - 2))
    records[first], records[first + 1] = (
        evolve(records[first + 1], position=first + 1),
        evolve(records[first], position=first + 2),
    )

    assert errors_in(records, last)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"previous": 2}, "It follows position 2 in its stream, whose last record is 3."),
        ({"id": record_id(2)}, "Its id is that of an earlier record."),
        ({"at": -1}, "Its time lies in the future, or before 1970."),
        ({"at": NOW + 24 * HOUR + 1}, "Its time lies in the future, or before 1970."),
        ({"decided_at_position": 4}, "It was decided at position 4, which is impossible."),
        ({"decided_at_position": 2}, "It was decided at position 2, which is impossible."),
        ({"decided_at_position": -1}, "It was decided at position -1, which is impossible."),
        ({"stream": "room"}, f"It is in stream room and belongs in agent/{CRAB}."),
    ],
)
def test_an_impossible_field_is_found(fields: dict[str, Any], sentence: str) -> None:
    """A position, id, time or decider that cannot be is found, even where the hash fits."""
    assert (4, sentence) in errors_in(forged(CRABS, 4, **fields))


def test_a_record_may_be_a_day_ahead_of_the_auditor() -> None:
    """Clocks differ, so a time of tomorrow is no error."""
    records = forged(CRABS, 4, at=NOW + 24 * HOUR)

    assert errors_in(records) == []


def test_a_clock_that_stepped_back_by_more_than_a_day_is_a_note() -> None:
    """Clocks step back, but seldom by so much."""
    records = log_of(
        evolve(ADOPTED, at=NOW),
        CRAB_REGISTERED,
        evolve(LOBSTER_REGISTERED, at=NOW),
        evolve(SHRIMP_REGISTERED, at=START - 1),
    )

    assert findings_in(records) == [
        Finding(4, "Its time is more than a day before that of the last record.", note=True)
    ]


@pytest.mark.parametrize(("back", "noted"), [(1000, False), (1001, True), (65_000, True)])
def test_a_step_back_in_the_stream_of_an_agent_is_a_note(back: int, noted: bool) -> None:
    """Rates go by the times of one agent's records: where these step back by more than a second, audit says so."""
    later = START + HOUR
    records = log_of(ADOPTED, CRAB_REGISTERED, evolve(CRAB_SEEN, at=later), evolve(CRAB_LEFT, at=later - back))
    sentence = f"Its time is {back} ms before that of the agent's last record: a clock stepped back, or clocks differ."

    assert findings_in(records) == [Finding(4, sentence, note=True)] * noted


def test_times_of_different_agents_may_step_back() -> None:
    """The records of two agents may come from nodes whose clocks differ: no rule compares their times."""
    records = log_of(ADOPTED, evolve(CRAB_REGISTERED, at=START + HOUR), LOBSTER_REGISTERED)

    assert findings_in(records) == []


def test_an_impossible_time_is_reported_once() -> None:
    """The record after one from the far future does not count as a step back."""
    assert [finding.position for finding in findings_in(forged(CRABS, 3, at=10**18))] == [3]


def test_a_log_that_was_cut_off_is_found() -> None:
    """An expected chain point beyond the end shows that records are missing there."""
    last = chain_point(CRABS, 4)

    assert errors_in(CRABS[:3], last) == [(4, "A head is expected here, but the log ends at 3.")]


def test_only_the_first_wrong_chain_point_is_reported() -> None:
    """The change lies between the last right chain point and the first wrong one; later ones are wrong as well."""
    points = [chain_point(CRABS, 4), chain_point(CRABS, 1), ChainPoint(3, bytes(32))]

    assert errors_in(CRABS, *points) == [
        (3, "The head is not the expected one: something from position 2 to 3 was changed.")
    ]


def test_two_chain_points_of_one_position() -> None:
    """Of two different chain points at the same position one is reported as wrong."""
    right = chain_point(CRABS, 3)

    assert [position for position, _ in errors_in(CRABS, right, ChainPoint(3, bytes(32)))] == [3]


def test_a_missing_record_is_reported_at_the_next_one() -> None:
    """The record after a hole has a position that is too large."""
    assert errors_in([*CRABS[:2], CRABS[3]])[0] == (4, "Position 3 should be next: records are missing.")


def test_a_repeated_position_is_found() -> None:
    """A second record at a position is reported, and not judged."""
    assert errors_in([*CRABS, CRABS[1]]) == [(2, "Its position is not after 4, the position before it.")]


def test_an_unreadable_record_ends_the_audit() -> None:
    """A record of an unknown type cannot be folded, and no record after it can be judged."""
    with pytest.raises(UnreadableRecord, match=r"Record 4 is of type agent-danced\.v1, unknown to this chatr"):
        errors_in(forged(CRABS, 4, type="agent-danced.v1"))
