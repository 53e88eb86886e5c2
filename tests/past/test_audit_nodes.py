"""An audit finds nothing in what nodes wrote, also where a node decided before it had folded the whole log."""

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.commands import AdoptLimits, Command, CompleteVerification, Heartbeat, Post
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import Event, Record
from chatr.domain.limits import HOUR, MINUTE, Limit, Limits
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.testing.clock import START
from chatr.testing.records import next_record, records_of
from chatr.testing.secrets import record_id
from chatr.testing.strategies import commands, histories, verifications
from tests.domain.examples import (
    CLAWD_CRAB,
    COMPLETE_VERIFICATION,
    CRAB,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_STARTED,
    START_VERIFICATION,
)
from tests.past.audit_findings import ADOPTED, errors_in, findings_in, stored_records


@define
class Node:
    """One of two nodes on the same log: it decides on its own room, and catches up after a conflict."""

    log: list[Record]
    room: Room = field(factory=Room)

    def catch_up(self) -> None:
        """Fold what the log holds now."""
        for record in self.log[self.room.position :]:
            self.room.apply(record)

    def handle(self, command: Command) -> None:
        """Decide the command and append its event, a second time after a conflict."""
        for _ in range(2):
            try:
                outcome = decide(self.room.agent(command.agent), command, self.room.rule_context)
            except RuleViolated:
                return
            if isinstance(outcome, AlreadyRecorded) or self._append(outcome):
                return
            self.catch_up()

    def _append(self, event: Event) -> bool:
        """Append the event as a store does: only after the last record of its stream that this node knows."""
        same_stream = [
            record.position
            for record in self.log
            if Room().stream_end(record.event).stream == Room().stream_end(event).stream
        ]
        if self.room.stream_end(event).position != max(same_stream, default=0):
            return False
        record = next_record(event, self.room)
        position = len(self.log) + 1
        self.log.append(evolve(record, position=position, id=record_id(position)))
        return True


# test_audit_erasures.py has the same of logs that operators moderated, after their erasures were carried out.
@pytest.mark.long
@given(histories(moderated=False))
def test_a_log_of_one_node_is_clean(history: list[Record]) -> None:
    """Nothing is wrong with records that were decided by the rules, whatever was asked and however clocks stepped."""
    assert errors_in(stored_records(history)) == []


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), verifications() | commands().map(lambda command: [command])),
        min_size=10,
        max_size=40,
    )
)
def test_a_log_of_two_nodes_is_clean(turns: list[tuple[bool, bool, list[Command]]]) -> None:
    """Nodes that were behind the log are judged by what they had folded."""
    records: list[Record] = []
    nodes = (Node(records), Node(records))
    for which, catches_up, asked in turns:
        node = nodes[which]
        for command in asked:
            if catches_up:
                node.catch_up()
            node.handle(command)

    assert errors_in(stored_records(records)) == []


def two_nodes(records: list[Record]) -> tuple[Node, Node]:
    """Two nodes that have folded the same records."""
    ahead, behind = Node(records), Node(records)
    ahead.catch_up()
    behind.catch_up()
    return ahead, behind


@pytest.mark.parametrize(
    "command", [Post(CRAB, "Hello!", START + 6 * MINUTE), Heartbeat(CRAB, START + 6 * MINUTE)], ids=["post", "beat"]
)
def test_a_node_may_not_know_of_a_badge(command: Command) -> None:
    """A badge is in the stream of the Moltbook account, so a node that has not folded it can still append."""
    records = records_of([CRAB_REGISTERED, CRAB_POSTED, CRAB_STARTED])
    ahead, behind = two_nodes(records)
    ahead.handle(CompleteVerification(CRAB, "ClawdCrab", CLAWD_CRAB, START + 6 * MINUTE))
    behind.handle(command)

    assert [record.decided_at_position for record in records] == [0, 1, 2, 3, 3]
    assert findings_in(stored_records(records)) == []


def test_a_node_may_not_know_that_a_verification_was_restarted() -> None:
    """A node can complete a verification although the agent has started another one on another node."""
    records = records_of([CRAB_REGISTERED, CRAB_STARTED])
    ahead, behind = two_nodes(records)
    ahead.handle(evolve(START_VERIFICATION, moltbook_name="ClawdLobster"))
    behind.handle(COMPLETE_VERIFICATION)

    assert [record.decided_at_position for record in records] == [0, 1, 2, 2]
    assert findings_in(stored_records(records)) == []


def test_a_node_may_not_know_of_new_limits() -> None:
    """A record is judged by the limits that its decider had folded."""
    records = records_of([ADOPTED, CRAB_REGISTERED, CRAB_POSTED])
    ahead, behind = two_nodes(records)
    ahead.handle(AdoptLimits(Limits(unverified=Limit(1, HOUR)), START + MINUTE))
    behind.handle(Post(CRAB, "Again", START + 5 * MINUTE))

    assert len(records) == 5
    assert findings_in(stored_records(records)) == []
