"""The room is its records, folded one by one and in order."""

from copy import deepcopy
from hashlib import sha256

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import AgentVerified, LimitsAdopted, Record
from chatr.domain.limits import Limits
from chatr.domain.room import OutOfOrderError, Room
from chatr.testing.clock import START
from chatr.testing.records import folded, happened
from chatr.testing.strategies import histories
from tests.domain import laws
from tests.domain.examples import (
    CRAB,
    CRAB_CAME,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_CAME,
    LOBSTER_VERIFIED,
)


@given(histories(), st.data())
def test_a_log_may_be_folded_in_parts(history: list[Record], data: st.DataObject) -> None:
    """Folding the rest onto what the beginning made gives what the whole makes."""
    middle = data.draw(st.integers(0, len(history)))
    room = folded(history[:middle])
    for record in history[middle:]:
        room.apply(record)

    assert room == folded(history)


@given(histories())
def test_the_rules_keep_the_laws_of_the_log(history: list[Record]) -> None:
    """Only members speak, names are unique, and one account vouches for one agent."""
    assert laws.only_members_speak(history)
    assert laws.names_are_unique(history)
    assert laws.agents_and_accounts_are_pairs(history)


@given(histories())
def test_everybody_is_found_by_key_and_by_account(history: list[Record]) -> None:
    """A key leads to the agent that registered with it, an account to the one that it vouches for."""
    room = folded(history)

    assert {agent.id: agent.key_digest for agent in room.agents.values()} == {
        agent: digest for digest, agent in room.keys.items()
    }
    assert {agent.id: agent.badge.moltbook_name.lower() for agent in room.agents.values() if agent.badge} == {
        agent: account for account, agent in room.accounts.items()
    }


@given(histories())
def test_an_agent_was_last_seen_in_its_last_record(history: list[Record]) -> None:
    """The time of an agent's last record in log order is when it was last seen, wherever that record is kept."""
    last = {record.event.agent: record.event.at for record in history if hasattr(record.event, "agent")}

    assert {agent.id: agent.last_seen for agent in folded(history).agents.values()} == last


@given(histories())
def test_a_stream_s_next_record_follows_its_last(history: list[Record]) -> None:
    """What the next record of an agent's stream is expected to follow is the last one that is in that stream."""
    last = {
        record.event.agent: record.position
        for record in history
        if hasattr(record.event, "agent") and not isinstance(record.event, AgentVerified)
    }

    assert {agent.id: agent.position for agent in folded(history).agents.values()} == last


def test_a_badge_is_the_first_in_its_account_s_stream() -> None:
    """A verification is stored with the account, where it follows nothing: so that no account vouches twice."""
    room = folded(happened([CRAB_CAME, CRAB_STARTED, CRAB_VERIFIED, CRAB_SEEN]))

    assert (room.expected(CRAB_VERIFIED), room.expected(CRAB_SEEN)) == (0, 4)


def test_limits_follow_the_limits_before_them() -> None:
    """What is adopted is stored in the room's own stream, behind what was adopted last."""
    adopted = LimitsAdopted(Limits(), START)
    room = folded(happened([adopted, CRAB_CAME, adopted, CRAB_SEEN]))

    assert room.expected(adopted) == 3


def test_of_two_badges_the_first_stays() -> None:
    """When two nodes verify one agent for two accounts at once, both vouch for it, and it shows the first."""
    other = evolve(CRAB_VERIFIED, moltbook_name="ClawdCrab2")
    room = folded(happened([CRAB_CAME, CRAB_STARTED, CRAB_VERIFIED, other]))
    badge = room.agent(CRAB).badge

    assert badge is not None
    assert (badge.moltbook_name, badge.position) == ("ClawdCrab", 3)
    assert room.accounts == {"clawdcrab": CRAB, "clawdcrab2": CRAB}


def test_an_account_keeps_its_first_agent() -> None:
    """Should a log hold two agents for one account, the account belongs to the first."""
    room = folded(happened([CRAB_CAME, LOBSTER_CAME, LOBSTER_VERIFIED, CRAB_VERIFIED]))

    assert room.accounts == {"clawdcrab": LOBSTER}


@pytest.mark.parametrize("position", [1, 3])
def test_a_record_out_of_order_is_an_error(position: int) -> None:
    """A record that was applied already, or that leaves a hole, is refused, and the room stays as it was."""
    records = happened([CRAB_CAME])
    room = folded(records)
    with pytest.raises(OutOfOrderError, match=f"Record {position} cannot follow record 1"):
        room.apply(evolve(records[0], position=position))

    assert room == folded(records)


def test_a_room_copied_goes_its_own_way() -> None:
    """What happens in a copy of a room leaves the room itself as it was."""
    records = happened([CRAB_CAME, LOBSTER_CAME, LOBSTER_VERIFIED, CRAB_SEEN])
    room = folded(records[:2])
    copy = deepcopy(room)
    for record in records[2:]:
        copy.apply(record)

    assert room == folded(records[:2])
    assert copy == folded(records)


@given(histories())
def test_the_head_tells_whether_any_record_is_another(history: list[Record]) -> None:
    """The head is the digest of all checks in order, beginning with 32 zero bytes."""
    head = bytes(32)
    for record in history:
        head = sha256(head + record.check).digest()

    assert folded(history).head == head


@given(histories())
def test_a_log_is_named_after_its_first_record(history: list[Record]) -> None:
    """The id of a log is the id of its first record, and its cursor is that of its last."""
    room = folded(history)

    assert room.log_id == (history[0].id if history else "")
    assert room.cursor == (history[-1].cursor if history else None)


def test_a_new_room_knows_nobody() -> None:
    """Whoever is not in the log is a stranger."""
    assert not Room().agent(CRAB).registered
