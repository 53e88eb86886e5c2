"""Who is online: whoever has not left and did something lately."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import AgentSeen, Record
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import folded, happened
from chatr.testing.strategies import histories
from tests.domain.examples import CRAB, CRAB_CAME, CRAB_LEFT, CRAB_SEEN, CRAB_SPOKE, CRAB_STARTED, CRAB_VERIFIED

ANY_TIME = st.integers(START - 200 * MINUTE, START + 400 * MINUTE)


def online(room: Room, now: int) -> set[str]:
    return {agent.name for agent in room.online(now)}


@given(histories(), ANY_TIME)
def test_nobody_is_overlooked(history: list[Record], now: int) -> None:
    """Looking at the right minutes only finds the same agents as asking every one."""
    room = folded(history)
    everyone = {agent.name for agent in room.agents.values() if agent.online(now, room.house.limits)}

    assert online(room, now) == everyone


@given(histories(), ANY_TIME)
def test_near_reaches_as_far_as_it_says(history: list[Record], now: int) -> None:
    """An agent is found from as far away as its last record is."""
    room = folded(history)
    present = [agent for agent in room.agents.values() if agent.present]

    assert all(agent.id in room.presence.near(now, abs(agent.last_seen - now)) for agent in present)


@given(histories(), ANY_TIME, st.integers(0, 200 * MINUTE))
def test_near_is_near(history: list[Record], now: int, reach: int) -> None:
    """Nobody is found twice, and nobody who is a minute further off."""
    room = folded(history)
    near = list(room.presence.near(now, reach))

    assert len(set(near)) == len(near)
    assert all(abs(room.agent(agent).last_seen - now) < reach + MINUTE for agent in near)


@given(histories())
def test_a_minute_is_forgotten_with_its_last_agent(history: list[Record]) -> None:
    """Presence grows with the agents and not with the time they spend."""
    room = folded(history)
    kept = [agent for minute in room.presence.minutes.values() for agent in minute]

    assert all(room.presence.minutes.values())
    assert sorted(kept) == sorted(agent.id for agent in room.agents.values() if agent.present)


@given(histories(), st.integers(0, 200 * MINUTE), st.integers(0, 200 * MINUTE))
def test_without_records_nobody_comes_online(history: list[Record], passed: int, more: int) -> None:
    """Silence only ever takes agents offline."""
    room = folded(history)
    now = max((record.event.at for record in history), default=START) + passed

    assert online(room, now + more) <= online(room, now)


@pytest.mark.parametrize("activity", [CRAB_SEEN, CRAB_SPOKE, CRAB_STARTED, CRAB_VERIFIED])
def test_any_activity_puts_an_agent_online(activity: AgentSeen) -> None:
    """Whatever an agent does with its key, it is there."""
    assert online(folded(happened([CRAB_CAME, activity])), START) == {"Crab"}


@pytest.mark.parametrize("past", [[CRAB_CAME], [CRAB_CAME, CRAB_SPOKE, CRAB_LEFT]])
def test_who_has_not_come_or_has_left_is_offline(past: list[AgentSeen]) -> None:
    """Registering puts nobody online, and leaving takes the agent off at once."""
    assert online(folded(happened(past)), START) == set()


@pytest.mark.parametrize(("passed", "expected"), [(31 * MINUTE - 1, {"Crab"}), (31 * MINUTE, set())])
@pytest.mark.parametrize("direction", [1, -1])
def test_presence_lapses_a_minute_late(passed: int, expected: set[str], direction: int) -> None:
    """Half an hour after its last record, and a minute for a heartbeat unrecorded, an agent is offline."""
    room = folded(happened([CRAB_CAME, CRAB_SEEN]))

    assert online(room, START + direction * passed) == expected


def test_coming_back() -> None:
    """Whoever left is online again with the next thing it does."""
    back = AgentSeen(CRAB, START + MINUTE)

    assert online(folded(happened([CRAB_CAME, CRAB_SEEN, CRAB_LEFT, back])), START + MINUTE) == {"Crab"}


@given(histories(), ANY_TIME)
def test_counting_is_as_good_as_looking(history: list[Record], now: int) -> None:
    """As many are counted as are found."""
    room = folded(history)

    assert room.online_count(now) == len(room.online(now))


@given(histories(), ANY_TIME, st.floats(0, 1, exclude_max=True))
def test_nobody_comes_or_goes_until_then(history: list[Record], now: int, part: float) -> None:
    """Until the moment that the room names the same agents are online, wherever one looks."""
    room = folded(history)
    until = room.online_until(now)

    assert until > now
    assert online(room, now + int((until - now) * part)) == online(room, until - 1) == online(room, now)
