"""The auditor: nothing is found in what nodes wrote, and whatever was changed since is."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.audit import Audit, Finding, Head
from chatr.codec import Unreadable, encode
from chatr.domain.commands import AdoptLimits, Command, CompleteVerification, Heartbeat, Post
from chatr.domain.decide import Settled, decide
from chatr.domain.events import (
    AgentId,
    AgentLeft,
    AgentSeen,
    Event,
    LimitsAdopted,
    MessagePosted,
    Record,
    stream_of,
)
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits
from chatr.domain.room import Room
from chatr.domain.rule import Refused
from chatr.ports import Draft, Stored
from chatr.testing.clock import START
from chatr.testing.records import happened, recorded
from chatr.testing.secrets import record_id
from chatr.testing.strategies import commands, histories, verifications
from tests.domain.examples import (
    CLAWD_CRAB,
    COMPLETE,
    CRAB,
    CRAB_CAME,
    CRAB_LEFT,
    CRAB_SEEN,
    CRAB_SPOKE,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_CAME,
    LOBSTER_VERIFIED,
    SHRIMP_CAME,
    START_IT,
)

NOW = START + 24 * HOUR
ADOPTED = LimitsAdopted(Limits(), START)
REFUSED = "The rules refuse it: "


def stored(records: Iterable[Record]) -> list[Stored]:
    """The records as a store holds them."""
    last, found = dict[str, int](), []
    for record in records:
        draft = encode(record.event, record_id=record.id, seen=record.seen)
        found.append(placed(record.position, last.get(draft.stream, 0), draft))
        last[draft.stream] = record.position
    return found


def placed(position: int, previous: int, draft: Draft) -> Stored:
    return draft.placed(position, previous, draft.check_after(previous))


def log(*events: Event) -> list[Stored]:
    """A log in which exactly this stands; nobody asked the rules."""
    return stored(happened(events))


def audited(records: Iterable[Stored], *kept: Head) -> list[Finding]:
    audit = Audit(NOW, kept)
    return [*(finding for each in records for finding in audit.check(each)), *audit.end()]


def found(records: Iterable[Stored], *kept: Head) -> list[tuple[int, str]]:
    return [(finding.position, finding.sentence) for finding in audited(records, *kept) if not finding.note]


def head(records: Sequence[Stored], position: int) -> Head:
    """The head of a log at a position, as somebody may have kept it."""
    audit = Audit(NOW)
    for each in records[:position]:
        list(audit.check(each))
    return Head(position, audit.room.head)


@define
class Node:
    """One of two that write to one log: it decides by what it has applied, and catches up when it must."""

    log: list[Record]
    room: Room = field(factory=Room)

    def catch_up(self) -> None:
        for record in self.log[self.room.position :]:
            self.room.apply(record)

    def handle(self, command: Command) -> None:
        for _ in range(2):
            try:
                outcome = decide(self.room.agent(command.agent), command, self.room.house)
            except Refused:
                return
            if isinstance(outcome, Settled) or self._appended(outcome):
                return
            self.catch_up()

    def _appended(self, event: Event) -> bool:
        """Only onto the last record of the stream, as every store has it."""
        same = [record.position for record in self.log if stream_of(record.event) == stream_of(event)]
        if self.room.expected(event) != max(same, default=0):
            return False
        record = recorded(event, self.room)
        place = len(self.log) + 1
        self.log.append(evolve(record, position=place, id=record_id(place)))
        return True


@given(histories())
def test_nothing_is_found_in_what_a_node_wrote(history: list[Record]) -> None:
    """Every log whose records were decided by the rules is clean, whatever was asked and however clocks stepped."""
    assert audited(stored(history)) == []


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), verifications() | commands().map(lambda command: [command])),
        min_size=10,
        max_size=40,
    )
)
def test_nothing_is_found_in_what_two_nodes_wrote(turns: list[tuple[bool, bool, list[Command]]]) -> None:
    """Deciders that are behind the log are judged by what they had seen."""
    records: list[Record] = []
    nodes = (Node(records), Node(records))
    for which, catches_up, asked in turns:
        node = nodes[which]
        for command in asked:
            if catches_up:
                node.catch_up()
            node.handle(command)

    assert audited(stored(records)) == []


@pytest.mark.parametrize(
    "command", [Post(CRAB, "Hello!", START + 6 * MINUTE), Heartbeat(CRAB, START + 6 * MINUTE)], ids=["post", "beat"]
)
def test_a_badge_that_the_decider_had_not_seen(command: Command) -> None:
    """A badge stands in its account's stream, so whoever has not seen it may still act for the agent."""
    records = happened([CRAB_CAME, CRAB_SPOKE, CRAB_STARTED])
    ahead, behind = Node(records), Node(records)
    ahead.catch_up()
    behind.catch_up()
    ahead.handle(CompleteVerification(CRAB, "ClawdCrab", CLAWD_CRAB, START + 6 * MINUTE))
    behind.handle(command)

    assert [record.seen for record in records] == [0, 1, 2, 3, 3]
    assert audited(stored(records)) == []


def test_a_verification_that_was_started_anew() -> None:
    """Whoever completes a verification may not have seen yet that the agent began another one."""
    records = happened([CRAB_CAME, CRAB_STARTED])
    ahead, behind = Node(records), Node(records)
    ahead.catch_up()
    behind.catch_up()
    ahead.handle(evolve(START_IT, moltbook_name="ClawdLobster"))
    behind.handle(COMPLETE)

    assert [record.seen for record in records] == [0, 1, 2, 2]
    assert audited(stored(records)) == []


def test_limits_that_the_decider_had_not_seen() -> None:
    """The limits in force are those that the decider had seen."""
    records = happened([ADOPTED, CRAB_CAME, CRAB_SPOKE])
    ahead, behind = Node(records), Node(records)
    ahead.catch_up()
    behind.catch_up()
    ahead.handle(AdoptLimits(Limits(unverified=Limit(1, HOUR)), START + MINUTE))
    behind.handle(Post(CRAB, "Again", START + 5 * MINUTE))

    assert len(records) == 5
    assert audited(stored(records)) == []


FIELDS: dict[str, Callable[[Stored], Stored]] = {
    "id": lambda each: evolve(each, id=record_id(99)),
    "stream": lambda each: evolve(each, stream=f"{each.stream}x"),
    "at": lambda each: evolve(each, at=each.at + 1),
    "seen": lambda each: evolve(each, seen=each.seen - 1),
    "data": lambda each: evolve(each, data=f"{each.data} "),
}


@pytest.mark.parametrize("change", FIELDS.values(), ids=FIELDS)
@given(history=histories().filter(bool), data=st.data())
def test_whatever_is_altered_is_found_where_it_stands(
    change: Callable[[Stored], Stored], history: list[Record], data: st.DataObject
) -> None:
    """One field of one record cannot be altered without its check telling."""
    records = stored(history)
    victim = data.draw(st.sampled_from(records))
    records[victim.position - 1] = change(victim)

    sentence = "Its check does not fit: it was changed after it was stored."
    assert (victim.position, sentence) in found(records)


@given(history=histories().filter(bool), data=st.data())
def test_a_forged_record_is_found_between_two_heads(history: list[Record], data: st.DataObject) -> None:
    """Whoever computes checks anew cannot compute the heads that others kept."""
    records = stored(history)
    whole = [head(records, position) for position in range(1, len(records) + 1)]
    victim = data.draw(st.sampled_from(records))
    forged = placed(victim.position, victim.previous, evolve(victim.draft, id=record_id(99_999)))
    records[victim.position - 1] = forged

    sentence = (
        "The head is not the one that was kept: "
        f"something from position {victim.position} to {victim.position} was changed."
    )
    assert found(records, *whole) == [(victim.position, sentence)]


@given(history=histories().filter(lambda history: len(history) > 1), data=st.data())
def test_a_record_that_is_gone_is_found(history: list[Record], data: st.DataObject) -> None:
    """Records cannot be taken out: the next one has another position, or the kept head lies beyond the end."""
    records = stored(history)
    last = head(records, len(records))
    gone = data.draw(st.sampled_from(records))
    records.remove(gone)

    assert [finding.position for finding in audited(records, last) if not finding.note]


@given(history=histories().filter(lambda history: len(history) > 1), data=st.data())
def test_two_records_that_changed_places_are_found(history: list[Record], data: st.DataObject) -> None:
    """The order is proved by the heads, even where neither stream nor position tells."""
    records = stored(history)
    last = head(records, len(records))
    first = data.draw(st.integers(0, len(records) - 2))
    records[first], records[first + 1] = (
        evolve(records[first + 1], position=first + 1),
        evolve(records[first], position=first + 2),
    )

    assert found(records, last)


TOO_SOON = f"{REFUSED}The rate limit is 10 per minute for verified agents and 1 per 5 minutes for unverified ones."
LOBSTER_SPOKE = MessagePosted(LOBSTER, "Hello!", None, START)


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([CRAB_CAME, CRAB_SPOKE, MessagePosted(CRAB, "Again", None, START + MINUTE)], TOO_SOON),
        ([CRAB_CAME, LOBSTER_SPOKE], f"{REFUSED}Only registered agents speak."),
        ([CRAB_CAME, AgentSeen(LOBSTER, START)], f"{REFUSED}Only registered agents speak."),
        ([CRAB_CAME, evolve(CRAB_CAME, name="crab")], f"{REFUSED}A name belongs to the agent that registered it first"),
        ([CRAB_CAME, CRAB_SEEN, AgentSeen(CRAB, START + 59 * SECOND)], "Record 2 had answered this already"),
        ([CRAB_CAME, CRAB_LEFT], "Record 1 had answered this already"),
        ([ADOPTED, evolve(ADOPTED, at=START + 1)], "Record 1 had answered this already"),
        ([CRAB_CAME, CRAB_VERIFIED], f"{REFUSED}Start a verification before you complete it."),
        ([CRAB_CAME, CRAB_STARTED, evolve(CRAB_STARTED, code="ABCDEFGH")], "Record 2 had answered this already"),
        (
            [CRAB_CAME, CRAB_STARTED, evolve(CRAB_VERIFIED, at=START + 48 * HOUR)],
            f"{REFUSED}A verification code is valid for 48 hours.",
        ),
        (
            [CRAB_CAME, CRAB_STARTED, evolve(CRAB_VERIFIED, moltbook_name="ClawdLobster")],
            f"{REFUSED}A verification is completed with the Moltbook name it was started with.",
        ),
        ([CRAB_CAME, CRAB_STARTED, CRAB_VERIFIED, CRAB_STARTED], "Record 3 had answered this already"),
        ([CRAB_CAME, MessagePosted(CRAB, " Hello! ", None, START)], "Decided again, its content comes out otherwise."),
        ([CRAB_CAME, evolve(LOBSTER_CAME, agent=AgentId("x"))], "Decided again, its agent comes out otherwise."),
    ],
)
def test_what_the_rules_would_not_have_had(events: list[Event], sentence: str) -> None:
    """A record is decided again, with the agent as it was and the limits then in force."""
    position, told = found(log(*events))[0]

    assert (position, told[: len(sentence)]) == (len(events), sentence)


def test_an_account_vouches_once() -> None:
    """A badge for which another agent's account vouches breaks the rule, and the account's stream tells it, too."""
    started = evolve(CRAB_STARTED, agent=LOBSTER)
    records = log(CRAB_CAME, LOBSTER_CAME, CRAB_STARTED, started, CRAB_VERIFIED, LOBSTER_VERIFIED)

    assert (6, f"{REFUSED}A Moltbook account vouches for one agent.") in found(records)


def test_a_key_may_answer_once() -> None:
    """A repeated Idempotency-Key leaves no second record."""
    again = evolve(CRAB_SPOKE, at=START + 5 * MINUTE)

    assert found(log(CRAB_CAME, CRAB_SPOKE, again)) == [
        (3, "Record 2 had answered this already: nothing was to be recorded.")
    ]


def test_text_that_would_be_refused_today_is_a_note() -> None:
    """Rules of text live in code and see more from year to year, so what they refuse now is no finding."""
    said = MessagePosted(CRAB, "See https://example.com", None, START)
    (finding,) = audited(log(CRAB_CAME, said))

    assert finding == Finding(2, "Today's rules would refuse it: Unverified agents cannot post URLs.", note=True)


def test_a_note_hides_no_finding() -> None:
    """What today's rules of text would refuse is decided again all the same."""
    said = MessagePosted(CRAB, " See https://example.com", None, START)

    assert [finding.note for finding in audited(log(CRAB_CAME, said))] == [True, False]


def changed(records: list[Stored], position: int, **fields: Any) -> list[Stored]:
    """One record replaced by a forged one, whose check fits."""
    victim = records[position - 1]
    previous = fields.pop("previous", victim.previous)
    draft = evolve(victim.draft, **fields)
    return [*records[: position - 1], placed(position, previous, draft), *records[position:]]


CRABS = log(ADOPTED, CRAB_CAME, CRAB_SEEN, CRAB_SPOKE)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"previous": 2}, "It follows position 2 in its stream, whose last record is 3."),
        ({"id": record_id(2)}, "Its id is that of an earlier record."),
        ({"at": -1}, "Its time lies in the future, or before 1970."),
        ({"at": NOW + 24 * HOUR + 1}, "Its time lies in the future, or before 1970."),
        ({"seen": 4}, "Its decider had seen position 4, which cannot be."),
        ({"seen": 2}, "Its decider had seen position 2, which cannot be."),
        ({"seen": -1}, "Its decider had seen position -1, which cannot be."),
        ({"stream": "room"}, f"It stands in stream room and belongs into agent/{CRAB}."),
    ],
)
def test_what_cannot_have_been_stored(fields: dict[str, Any], sentence: str) -> None:
    """A place, id, time or decider that cannot be is found, even where the check fits."""
    assert (4, sentence) in found(changed(CRABS, 4, **fields))


def test_a_little_ahead_of_the_auditor() -> None:
    """Clocks differ: a record may come from tomorrow, and a day after the next."""
    records = changed(CRABS, 4, at=NOW + 24 * HOUR)

    assert found(records) == []


def test_a_clock_that_stepped_back_is_a_note() -> None:
    """Clocks step back, but hardly by more than a day."""
    records = log(evolve(ADOPTED, at=NOW), CRAB_CAME, evolve(LOBSTER_CAME, at=NOW), evolve(SHRIMP_CAME, at=START - 1))

    assert audited(records) == [Finding(4, "Its time is more than a day before that of the last record.", note=True)]


def test_a_clock_is_measured_by_one_that_goes() -> None:
    """After a time that cannot be, the next one is not taken for a step back."""
    assert [finding.position for finding in audited(changed(CRABS, 3, at=10**18))] == [3]


def test_a_log_that_was_cut_off() -> None:
    """Whoever kept a later head knows that the end is missing."""
    last = head(CRABS, 4)

    assert found(CRABS[:3], last) == [(4, "A head was kept of this position, but the log ends at 3.")]


def test_the_first_head_that_does_not_fit_is_told() -> None:
    """Something lies between the last head that fits and the first that does not; what comes later cannot fit."""
    heads = [head(CRABS, 4), head(CRABS, 1), Head(3, bytes(32))]

    assert found(CRABS, *heads) == [
        (3, "The head is not the one that was kept: something from position 2 to 3 was changed.")
    ]


def test_two_heads_of_one_position() -> None:
    """Of two different heads of one position one must be wrong."""
    true = head(CRABS, 3)

    assert [position for position, _ in found(CRABS, true, Head(3, bytes(32)))] == [3]


def test_a_hole() -> None:
    """Where records are missing, the next one tells."""
    assert found([*CRABS[:2], CRABS[3]])[0] == (4, "Position 3 should be next: records are missing.")


def test_a_record_that_stands_twice() -> None:
    """A place in the log is there once; the second record there is not judged."""
    assert found([*CRABS, CRABS[1]]) == [(2, "It stands after position 4.")]


def test_one_stranger_is_told_once() -> None:
    """What follows from a missing registration is found there, and the rest of the log is judged all the same."""
    records = log(SHRIMP_CAME, CRAB_CAME, LOBSTER_CAME, CRAB_SPOKE, LOBSTER_SPOKE, CRAB_LEFT, AgentLeft(LOBSTER, START))
    cut = [records[0], *records[3:]]
    later = [(position, told) for position, told in found(cut) if position > 5]

    assert (4, f"{REFUSED}Only registered agents speak.") in found(cut)
    assert later == []


def test_what_cannot_be_read_ends_the_audit() -> None:
    """A record that this chatr does not know cannot be folded, and nothing after it can be judged."""
    with pytest.raises(Unreadable, match=r"Record 4 is of type agent-danced\.v1, unknown to this chatr"):
        found(changed(CRABS, 4, type="agent-danced.v1"))
