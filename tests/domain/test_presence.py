"""Which agents are online: those that were active lately and have not left since."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.agent import Agent
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, Record
from chatr.domain.identity import AgentId
from chatr.domain.limits import MINUTE
from chatr.domain.presence import AGENTS_PER_STEP, Presence
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import folded_room, next_record, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import CRAB, CRAB_LEFT, CRAB_POSTED, CRAB_REGISTERED, CRAB_SEEN, CRAB_STARTED, CRAB_VERIFIED

ANY_TIME = st.integers(START - 200 * MINUTE, START + 400 * MINUTE)


def online(room: Room, now: int) -> set[str]:
    """The names of the agents that are online."""
    return {agent.name for agent in room.online_agents(now)}


STEPS = st.lists(st.integers(-40 * MINUTE, 90 * MINUTE) | st.sampled_from([1, -1, 0]), max_size=5)


def names_of(presence: Presence) -> list[str]:
    """The names of all that a presence lists, by pages of two."""
    names: list[str] = []
    while page := presence.page(names[-1].lower() if names else "", 2):
        names += [agent.name for agent in page]
    return names


@given(histories(), st.data())
def test_presence_is_who_is_online(history: list[Record], data: st.DataObject) -> None:
    """After any records, steps of the clock and limits, the same agents are listed as by asking each of them."""
    room, now = Room(), data.draw(ANY_TIME)
    for record in history:
        room.apply(record)
        for step in data.draw(STEPS):
            now += step
            assert room.advance_presence(now)
            assert names_of(room.presence) == sorted(online(room, now), key=str.lower)
            assert len(room.presence) == len(online(room, now))


@given(histories(), st.data())
def test_changes_of_presence_add_up(history: list[Record], data: st.DataObject) -> None:
    """Who applies each change that is taken knows who is online."""
    room, now, known = Room(), data.draw(ANY_TIME), set[str]()
    room.advance_presence(now)
    for record in history:
        room.apply(record)
        now += data.draw(st.integers(-10 * MINUTE, 40 * MINUTE))
        room.advance_presence(now)
        if data.draw(st.booleans()):
            changes = dict(room.presence.take_changes(100))
            known = known - changes.keys() | {agent for agent, came in changes.items() if came}
            assert known == {agent.id for agent in room.online_agents(now)}


def test_an_agent_that_came_and_went_is_a_change() -> None:
    """It is offline as before, but a list that was requested in between shows it as online."""
    room = folded_room(records_of([CRAB_REGISTERED]))
    room.advance_presence(START)
    room.apply(next_record(CRAB_SEEN, room))
    assert CRAB in room.presence
    room.apply(next_record(CRAB_LEFT, room))

    assert room.presence.take_changes(100) == [(CRAB, False)]


class CountingDict(dict[AgentId, Agent]):
    """Counts how many agents were looked at."""

    reads = 0

    def __getitem__(self, agent: AgentId) -> Agent:
        """Count, and return the agent."""
        self.reads += 1
        return super().__getitem__(agent)


def crowd(size: int, seen_at: Callable[[int], int]) -> Room:
    """A room in which so many agents registered, and were seen at these times."""
    agents = [agent_id(f"A{number}") for number in range(size)]
    registered = [AgentRegistered(agent, f"A{number}", None, agent, START) for number, agent in enumerate(agents)]
    seen: list[Event] = [AgentSeen(agent, seen_at(number)) for number, agent in enumerate(agents)]
    return folded_room(records_of([*registered, *seen]))


def steps_until_done(room: Room, now: int) -> int:
    """How many steps it takes to bring the presence of a room to a time."""
    return next(step for step in count(1) if room.advance_presence(now))


def test_a_crowd_goes_offline_in_steps() -> None:
    """If many agents go offline at the same moment, one step looks at no more than so many."""
    size = 2 * AGENTS_PER_STEP + 1
    room = crowd(size, lambda _number: START)
    assert steps_until_done(room, START) == 3
    left = []
    while not room.advance_presence(START + 31 * MINUTE):
        left.append(len(room.presence))

    assert left == [size - AGENTS_PER_STEP, size - 2 * AGENTS_PER_STEP]
    assert len(room.presence) == 0


def test_presence_looks_only_at_agents_that_change() -> None:
    """Time that passes looks at the agents whose time runs out, however many are online."""
    room = crowd(1_000, lambda number: START + number)
    room.advance_presence(START + 1_000)
    room.presence.agents = looked_at = CountingDict(room.agents)
    room.advance_presence(START + 31 * MINUTE + 9)

    assert (looked_at.reads, len(room.presence)) == (10, 990)


def test_an_agent_is_scheduled_once() -> None:
    """An agent that acts again and again, or comes and goes, is stored once."""
    events = [CRAB_REGISTERED, *(event for _ in range(100) for event in (CRAB_SEEN, CRAB_LEFT))]
    room = Room()
    room.advance_presence(START)
    for record in records_of(events):
        room.apply(record)

    assert room.presence.scheduled == 1


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
