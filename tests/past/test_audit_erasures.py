"""Audit explains empty messages by the records that erased them, and judges the rest of them as before."""

from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given

from chatr.domain.events import AgentSeen, Event, LimitsAdopted, MessagePosted, Record
from chatr.domain.limits import FEWEST_IDEMPOTENCY_KEYS, MINUTE, SECOND, Limit, Limits
from chatr.domain.moderation_events import ErasedRecord, RecordsErased
from chatr.past.audit import Audit
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.strategies import histories
from tests.domain.examples import CRAB, CRAB_REGISTERED, LOBSTER_REGISTERED
from tests.erasures import emptied, erasure_of
from tests.past.audit_findings import ADOPTED, NOW, chain_point, errors_in, findings_in, log_of

POSTS: Final = [MessagePosted(CRAB, f"Text {number}", None, START + number * 5 * MINUTE) for number in range(2)]
EVENTS: Final[list[Event]] = [ADOPTED, CRAB_REGISTERED, *POSTS]
ERASED_AT: Final = START + 10 * MINUTE


def erased_log(*positions: int, events: list[Event] | None = None) -> list[Stored]:
    """A log of these events whose messages at `positions` are erased by its last record."""
    events = EVENTS if events is None else events
    erasure = evolve(erasure_of(*(log_of(*events)[position - 1] for position in positions)), at=ERASED_AT)
    return emptied(log_of(*events, erasure), *positions)


def test_an_erased_message_is_explained() -> None:
    """A message that a later record erased is neither changed nor missing, and heads from before are still right."""
    before = log_of(*EVENTS)

    assert findings_in(erased_log(3, 4), chain_point(before, 3), chain_point(before, 4)) == []


@given(histories())
def test_whatever_is_erased_is_explained(history: list[Record]) -> None:
    """Whatever the room allows, its log has no finding after its erasures were carried out."""
    events = [record.event for record in history]
    before = log_of(*events)
    erasures = [event for event in events if isinstance(event, RecordsErased)]
    after = log_of(*(with_proofs(each, before) if isinstance(each, RecordsErased) else each for each in events))

    assert errors_in(emptied(after, *(each.position for erasure in erasures for each in erasure.records))) == []


def with_proofs(erasure: RecordsErased, log: list[Stored]) -> RecordsErased:
    """The erasure with the right hashes of these records."""
    positions = [each.position for each in erasure.records]
    return evolve(erasure, records=tuple(ErasedRecord(each, log[each - 1].rest_hash.hex()) for each in positions))


def test_a_message_that_was_emptied_by_hand_is_found() -> None:
    """Without a record that erased it, an empty message is a finding."""
    sentence = "It is empty, and no record erased it: its text was removed by hand."

    assert errors_in(emptied(log_of(*EVENTS), 4)) == [(4, sentence)]
    assert errors_in(emptied(erased_log(3), 4)) == [(4, sentence)]


@pytest.mark.parametrize(
    "change", [{"at": START + SECOND}, {"id": "another"}, {"decided_at_position": 1}, {"record_hash": bytes(32)}]
)
def test_what_stays_of_an_erased_message_cannot_be_changed(change: dict[str, Any]) -> None:
    """The erasing record proves every field that stays."""
    log = erased_log(3)
    log[2] = evolve(log[2], **change)

    assert (3, "What stays of it is not what record 5 proves: it was changed.") in errors_in(log)


def test_a_wrong_proof_is_found() -> None:
    """An erasing record with a wrong hash explains nothing."""
    wrong = RecordsErased(CRAB, (ErasedRecord(3, "00" * 32),), "It is illegal.", "grace", ERASED_AT)

    assert errors_in(emptied(log_of(*EVENTS, wrong), 3)) == [
        (3, "What stays of it is not what record 5 proves: it was changed.")
    ]


def test_an_earlier_record_explains_nothing() -> None:
    """An erasing record that was forged to name a later message, with the right hash, did not erase it."""
    forged = RecordsErased(CRAB, (ErasedRecord(6, ""),), "It is illegal.", "grace", POSTS[1].at)
    later = MessagePosted(CRAB, "Later", None, ERASED_AT)
    log = log_of(*EVENTS, with_proofs_of_later(forged, later), later)

    assert (6, "It is empty, and no record erased it: its text was removed by hand.") in errors_in(emptied(log, 6))


def with_proofs_of_later(erasure: RecordsErased, later: MessagePosted) -> RecordsErased:
    """The erasure, which names the next record, with the hash of what will stay of it."""
    rest = log_of(*EVENTS, erasure, later)[5].rest_hash.hex()
    return evolve(erasure, records=(ErasedRecord(6, rest),))


def test_an_erasure_that_was_not_carried_out_is_found() -> None:
    """A message that was erased and still has its text is a finding, which says what to do."""
    log = log_of(*EVENTS, evolve(erasure_of(log_of(*EVENTS)[2]), at=ERASED_AT))

    assert errors_in(log) == [(3, "Record 5 erased it, but its text is there: the next start erases it.")]


def test_a_record_that_is_read_again_may_be_erased_by_then() -> None:
    """A message that is erased while the log is audited is no finding; one that was put in its place is."""
    log = log_of(*EVENTS, evolve(erasure_of(log_of(*EVENTS)[2]), at=ERASED_AT))

    assert findings_after_reading_again(log, emptied(log, 3)[2]) == []
    assert findings_after_reading_again(log, evolve(log[2], id="another")) == [
        "Record 5 erased another record in its place: it was changed."
    ]


def findings_after_reading_again(log: list[Stored], again: Stored) -> list[str]:
    """What the end of an audit finds if this record was read again."""
    audit = Audit(NOW)
    for each in log:
        list(audit.check(each))
    audit.erasures.read_again(again)
    return [finding.sentence for finding in audit.end()]


@pytest.mark.parametrize("position", [2, 5, 99])
def test_only_messages_can_be_erased(position: int) -> None:
    """An erasing record that names anything but a message before it is a finding, which says what it names."""
    wrong = RecordsErased(CRAB, (ErasedRecord(position, "00" * 32),), "It is illegal.", "grace", ERASED_AT)

    assert errors_in(log_of(*EVENTS, wrong)) == [
        (5, f"It erases record {position}, which is no message before it."),
        (5, "The rules reject it: One erasure names 1-1000 messages, each once."),
    ]


def test_an_empty_record_of_another_type_ends_the_audit() -> None:
    """Nothing but messages is ever erased: an empty registration cannot be read."""
    with pytest.raises(Exception, match="it is empty"):
        findings_in(emptied(log_of(*EVENTS), 2))


def test_rates_of_erased_messages_are_judged() -> None:
    """When a message was posted stays known, so one that came too soon is found; its text is not judged."""
    soon = evolve(POSTS[1], at=POSTS[0].at + SECOND)

    (error,) = errors_in(erased_log(3, 4, events=[ADOPTED, CRAB_REGISTERED, POSTS[0], soon]))

    assert error[0] == 4
    assert error[1].startswith("The rules reject it: The rate limit is")


def test_erased_messages_may_have_had_idempotency_keys() -> None:
    """A key that had been forgotten when it was used again is not remembered because others were erased."""
    often = LimitsAdopted(Limits(Limit(1, MINUTE), Limit(1, MINUTE)), START)
    posts = [
        MessagePosted(CRAB, f"Text {number}", f"key {number % (FEWEST_IDEMPOTENCY_KEYS + 1)}", START + number * MINUTE)
        for number in range(FEWEST_IDEMPOTENCY_KEYS + 2)
    ]
    events: list[Event] = [often, CRAB_REGISTERED, *posts]
    erasure = evolve(erasure_of(*log_of(*events)[3:5]), at=posts[-1].at)

    assert errors_in(emptied(log_of(*events, erasure), 4, 5)) == []


def test_an_empty_message_of_another_stream_is_found() -> None:
    """What stays of a message says to whose stream it belongs."""
    log = erased_log(3, events=[*EVENTS, LOBSTER_REGISTERED, AgentSeen(CRAB, START + 6 * MINUTE)])
    log[2] = evolve(log[2], stream="agent/another")

    assert (3, "What stays of it is not what record 7 proves: it was changed.") in errors_in(log)
