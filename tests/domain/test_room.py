"""The room is folded from its records, one by one and in order."""

from copy import deepcopy
from hashlib import sha256

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import ActivityEvent, AgentEvent, AgentVerified, LimitsAdopted, Record
from chatr.domain.limits import Limits
from chatr.domain.room import OutOfOrderError, Room
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.strategies import histories
from tests.domain import laws
from tests.domain.examples import (
    CRAB,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_REGISTERED,
    LOBSTER_VERIFIED,
)


@given(histories(), st.data())
def test_a_log_may_be_folded_in_parts(history: list[Record], data: st.DataObject) -> None:
    """Folding the rest of a log into the room of its beginning gives the room of the whole log."""
    middle = data.draw(st.integers(0, len(history)))
    room = folded_room(history[:middle])
    for record in history[middle:]:
        room.apply(record)

    assert room == folded_room(history)


@given(histories())
def test_every_log_obeys_the_laws(history: list[Record]) -> None:
    """Only registered agents post, names are unique, and an account verifies one agent."""
    assert laws.only_registered_agents_post(history)
    assert laws.agents_register_once(history)
    assert laws.agents_and_accounts_are_pairs(history)


@given(histories())
def test_agents_are_found_by_key_and_by_account(history: list[Record]) -> None:
    """The index of keys has all keys of each agent that are not void, that of accounts the agent that each verified."""
    room = folded_room(history)
    badges = {(agent.badge.moltbook_name.lower(), agent.id) for agent in room.agents.values() if agent.badge}

    assert {(digest, agent.id) for agent in room.agents.values() for digest in agent.key_digests} == set(
        room.agents_by_key.items()
    )
    assert not room.agents_by_key.keys() & room.void_keys.keys()
    assert badges <= set(room.agents_by_account.items())
    assert {(account, agent) for account, agent in room.agents_by_account.items() if not account.startswith("id ")} == (
        badges | {(account, agent) for account, agent in room.accounts_without_badge.items() if account[:3] != "id "}
    )


@given(histories())
def test_an_agent_was_last_seen_in_its_last_activity(history: list[Record]) -> None:
    """An agent was last seen at the time of its last own act in log order, whatever stream that record is in."""
    last = {record.event.agent: record.event.at for record in history if isinstance(record.event, ActivityEvent)}

    assert {agent.id: agent.last_seen for agent in folded_room(history).agents.values()} == last


@given(histories())
def test_a_stream_s_next_record_follows_its_last(history: list[Record]) -> None:
    """The next record of an agent's stream is expected to follow the last one in that stream."""
    last = {
        record.event.agent: record.position
        for record in history
        if isinstance(record.event, AgentEvent) and not isinstance(record.event, AgentVerified)
    }

    assert {agent.id: agent.position for agent in folded_room(history).agents.values()} == last


def test_a_badge_is_the_first_record_of_its_account_s_stream() -> None:
    """A badge is expected to be the first record of the account's stream, so that no account verifies two agents."""
    room = folded_room(records_of([CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED, CRAB_SEEN]))

    assert (room.stream_end(CRAB_VERIFIED).position, room.stream_end(CRAB_SEEN).position) == (0, 4)


def test_limits_follow_the_limits_before_them() -> None:
    """Limits are stored in the room's own stream, after those adopted before."""
    adopted = LimitsAdopted(Limits(), START)
    room = folded_room(records_of([adopted, CRAB_REGISTERED, adopted, CRAB_SEEN]))

    assert room.stream_end(adopted).position == 3


def test_of_two_badges_the_first_one_stays() -> None:
    """If two nodes verify an agent with two accounts at the same time, it has the first badge, and both are used."""
    other = evolve(CRAB_VERIFIED, moltbook_name="ClawdCrab2")
    room = folded_room(records_of([CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED, other]))
    badge = room.agent(CRAB).badge

    assert badge is not None
    assert (badge.moltbook_name, badge.position) == ("ClawdCrab", 3)
    assert room.agents_by_account == {"clawdcrab": CRAB, "clawdcrab2": CRAB}


def test_an_account_keeps_its_first_agent() -> None:
    """If a log contains two badges of one account, the account belongs to the first agent."""
    room = folded_room(records_of([CRAB_REGISTERED, LOBSTER_REGISTERED, LOBSTER_VERIFIED, CRAB_VERIFIED]))

    assert room.agents_by_account == {"clawdcrab": LOBSTER}


@pytest.mark.parametrize("position", [1, 3])
def test_a_record_out_of_order_is_an_error(position: int) -> None:
    """A record that was applied already, or that leaves a hole, is an error, and the room stays as it was."""
    records = records_of([CRAB_REGISTERED])
    room = folded_room(records)
    with pytest.raises(OutOfOrderError, match=f"Record {position} cannot follow record 1"):
        room.apply(evolve(records[0], position=position))

    assert room == folded_room(records)


def test_a_copied_room_is_independent() -> None:
    """Records applied to a copy of a room leave the room as it was."""
    records = records_of([CRAB_REGISTERED, LOBSTER_REGISTERED, LOBSTER_VERIFIED, CRAB_SEEN])
    room = folded_room(records[:2])
    copy = deepcopy(room)
    for record in records[2:]:
        copy.apply(record)

    assert room == folded_room(records[:2])
    assert copy == folded_room(records)


@given(histories())
def test_the_chain_hash_covers_every_record(history: list[Record]) -> None:
    """The chain hash is the digest of all record hashes in order, beginning with 32 zero bytes."""
    chain_hash = bytes(32)
    for record in history:
        chain_hash = sha256(chain_hash + record.record_hash).digest()

    assert folded_room(history).chain_hash == chain_hash


@given(histories())
def test_a_log_is_named_after_its_first_record(history: list[Record]) -> None:
    """The id of a log is the id of its first record, and its cursor is that of its last."""
    room = folded_room(history)

    assert room.log_id == (history[0].id if history else "")
    assert room.cursor == (history[-1].cursor if history else None)


def test_an_empty_room_has_no_agents() -> None:
    """An agent without records is not registered."""
    assert not Room().agent(CRAB).registered
