"""Which agents are online: those that were active lately and have not left since."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import AgentSeen, Record
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import CRAB, CRAB_LEFT, CRAB_POSTED, CRAB_REGISTERED, CRAB_SEEN, CRAB_STARTED, CRAB_VERIFIED

ANY_TIME = st.integers(START - 200 * MINUTE, START + 400 * MINUTE)


def online(room: Room, now: int) -> set[str]:
    """The names of the agents that are online."""
    return {agent.name for agent in room.online_agents(now)}


@given(histories(), ANY_TIME)
def test_the_index_finds_every_online_agent(history: list[Record], now: int) -> None:
    """The index of minutes finds the same agents as asking each of them."""
    room = folded_room(history)
    expected = {agent.name for agent in room.agents.values() if agent.is_online(now, room.rule_context.limits)}

    assert online(room, now) == expected


@given(histories(), ANY_TIME)
def test_candidates_include_the_whole_window(history: list[Record], now: int) -> None:
    """A present agent is a candidate for any window that reaches its last record."""
    room = folded_room(history)
    present = [agent for agent in room.agents.values() if agent.present]

    assert all(agent.id in room.presence.candidates(now, abs(agent.last_seen - now)) for agent in present)


@given(histories(), ANY_TIME, st.integers(0, 200 * MINUTE))
def test_candidates_are_at_most_a_minute_outside_the_window(history: list[Record], now: int, window: int) -> None:
    """No agent is a candidate twice, and none that was last seen a minute outside the window."""
    room = folded_room(history)
    candidates = list(room.presence.candidates(now, window))

    assert len(set(candidates)) == len(candidates)
    assert all(abs(room.agent(agent).last_seen - now) < window + MINUTE for agent in candidates)


@given(histories())
def test_a_minute_is_removed_with_its_last_agent(history: list[Record]) -> None:
    """The index grows with the number of agents and not with time."""
    room = folded_room(history)
    indexed = [agent for minute in room.presence.minutes.values() for agent in minute]

    assert all(room.presence.minutes.values())
    assert sorted(indexed) == sorted(agent.id for agent in room.agents.values() if agent.present)


@given(histories(), st.integers(0, 200 * MINUTE), st.integers(0, 200 * MINUTE))
def test_without_records_agents_only_go_offline(history: list[Record], passed: int, more: int) -> None:
    """While nothing is recorded, no agent comes online."""
    room = folded_room(history)
    now = max((record.event.at for record in history), default=START) + passed

    assert online(room, now + more) <= online(room, now)


@pytest.mark.parametrize("activity", [CRAB_SEEN, CRAB_POSTED, CRAB_STARTED, CRAB_VERIFIED])
def test_any_activity_puts_an_agent_online(activity: AgentSeen) -> None:
    """Any recorded activity of an agent puts it online."""
    assert online(folded_room(records_of([CRAB_REGISTERED, activity])), START) == {"Crab"}


@pytest.mark.parametrize("past", [[CRAB_REGISTERED], [CRAB_REGISTERED, CRAB_POSTED, CRAB_LEFT]])
def test_registering_and_leaving_do_not_put_an_agent_online(past: list[AgentSeen]) -> None:
    """An agent is offline before its first activity, and from the moment it leaves."""
    assert online(folded_room(records_of(past)), START) == set()


@pytest.mark.parametrize(("passed", "expected"), [(31 * MINUTE - 1, {"Crab"}), (31 * MINUTE, set())])
@pytest.mark.parametrize("direction", [1, -1])
def test_an_agent_goes_offline_a_minute_late(passed: int, expected: set[str], direction: int) -> None:
    """An agent is offline half an hour after its last record, and a minute more for heartbeats left unrecorded."""
    room = folded_room(records_of([CRAB_REGISTERED, CRAB_SEEN]))

    assert online(room, START + direction * passed) == expected


def test_an_agent_that_left_comes_back() -> None:
    """An agent that has left is online again after its next activity."""
    back = AgentSeen(CRAB, START + MINUTE)

    assert online(folded_room(records_of([CRAB_REGISTERED, CRAB_SEEN, CRAB_LEFT, back])), START + MINUTE) == {"Crab"}


@given(histories(), ANY_TIME)
def test_the_online_count_is_exact(history: list[Record], now: int) -> None:
    """The count of online agents is the number of agents that are listed."""
    room = folded_room(history)

    assert room.online_count(now) == len(room.online_agents(now))


@given(histories(), ANY_TIME, st.floats(0, 1, exclude_max=True))
def test_presence_does_not_change_until_the_stated_time(history: list[Record], now: int, part: float) -> None:
    """The same agents are online at any time before the one that the room states."""
    room = folded_room(history)
    until = room.presence_unchanged_until(now)

    assert until > now
    assert online(room, now + int((until - now) * part)) == online(room, until - 1) == online(room, now)
