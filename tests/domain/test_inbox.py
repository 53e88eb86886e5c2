"""What is new for an agent, and how it acknowledges that."""

import pytest
from attrs import evolve
from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.commands import Heartbeat
from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import AgentSeen, MessagePosted, Record
from chatr.domain.identity import AgentId
from chatr.domain.inbox import inbox
from chatr.domain.limits import HOUR
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.scenario import given
from chatr.testing.strategies import agent_ids, histories
from tests.domain.examples import CRAB, CRAB_REGISTERED, CRAB_REMOVED, LOBSTER, LOBSTER_REGISTERED
from tests.domain.test_addressing import ALL_REGISTERED, posted
from tests.metrics.scrape import calls_of

TO_CRAB = posted(LOBSTER, "@Crab, hello")
TO_NOBODY = posted(LOBSTER, "Hello!")
BY_CRAB = posted(CRAB, "Hello yourself!")
ACKNOWLEDGE = Heartbeat(CRAB, START, read=4)


@pytest.mark.long
@whatever(histories(), agent_ids(), st.integers(0, 60), st.integers(1, 5))
def test_a_check_in_shows_what_a_search_of_the_log_finds(
    history: list[Record], agent: AgentId, after: int, limit: int
) -> None:
    """Check-ins show or count each new and visible message once, as a scan of the log does."""
    room = folded_room(history)
    found = inbox(room.history, agent, after, room.position, limit)
    new = [each for each in room.history.positions if each > after and each not in room.history.removals]
    own = [each for each in new if room.history.addressing.author_of(each) == agent]
    addressed = [each for each in new if each in room.history.addressing.by_addressee.of(agent)]
    shown = addressed[:limit]
    has_more = len(addressed) > limit
    others = [each for each in new if each not in own and each not in addressed]
    others_read = [each for each in others if not has_more or each <= shown[-1]]
    others_shown = [] if has_more else others[-limit:]

    assert (list(found.addressed), found.has_more, list(found.others)) == (shown, has_more, others_shown)
    assert found.skipped == len(others_read) - len(others_shown)
    assert found.read_to == (shown[-1] if has_more else max(after, room.position))


def test_nothing_addressed_is_left_out() -> None:
    """If more messages are addressed than the limit, the first are shown, and the next check-in continues there."""
    log = records_of([*ALL_REGISTERED, TO_CRAB, TO_NOBODY, TO_CRAB, BY_CRAB, TO_CRAB])
    room = folded_room(log)

    first = inbox(room.history, CRAB, 1, room.position, 2)
    second = inbox(room.history, CRAB, first.read_to, room.position, 2)

    assert (list(first.addressed), first.has_more, first.skipped, first.read_to) == ([4, 6], True, 1, 6)
    assert (list(second.addressed), second.has_more, second.read_to) == ([8], False, 8)


def test_a_first_check_in_begins_at_the_registration() -> None:
    """A first check-in does not show messages from before the registration of the agent."""
    room = folded_room(records_of([LOBSTER_REGISTERED, TO_NOBODY, CRAB_REGISTERED, TO_NOBODY]))

    assert list(inbox(room.history, CRAB, room.agent(CRAB).read, room.position, 9).others) == [4]


def test_own_messages_do_not_slow_a_check_in() -> None:
    """The cost of a check-in does not grow with the agent's own messages between those of others."""

    def calls_for(own: int) -> int:
        room = folded_room(records_of([*ALL_REGISTERED, TO_NOBODY, *[BY_CRAB] * own]))
        return calls_of(lambda: inbox(room.history, CRAB, 1, room.position, 1))

    # It bisects, so four times the messages are two steps more.
    assert calls_for(8_000) < 1.2 * calls_for(2_000)


def test_an_addressed_message_is_acknowledged_at_once() -> None:
    """An acknowledgement of an addressed message is recorded although the agent was active just before."""
    given(*ALL_REGISTERED, TO_CRAB, BY_CRAB).when(ACKNOWLEDGE).then(AgentSeen(CRAB, START, read=4))


@pytest.mark.parametrize("message", [TO_NOBODY, posted(CRAB, "@Crab, think")])
def test_other_messages_are_acknowledged_without_a_record(message: MessagePosted) -> None:
    """An acknowledgement that passes no addressed message is not recorded by itself."""
    given(*ALL_REGISTERED, message, BY_CRAB).when(ACKNOWLEDGE).then(AlreadyRecorded(5))


def test_an_acknowledgement_is_recorded_with_the_next_activity() -> None:
    """The next activity record contains the position that the agent has acknowledged."""
    later = START + HOUR
    given(*ALL_REGISTERED, TO_NOBODY, BY_CRAB).when(evolve(ACKNOWLEDGE, at=later)).then(AgentSeen(CRAB, later, read=4))


def test_an_acknowledgement_moves_forward_only() -> None:
    """An acknowledgement of an older cursor changes nothing, because sessions of an agent share the position."""
    log = (*ALL_REGISTERED, TO_CRAB, AgentSeen(CRAB, START, read=4))
    given(*log).when(evolve(ACKNOWLEDGE, read=2)).then(AlreadyRecorded(5))
    given(*log).when(Heartbeat(CRAB, START + HOUR, read=2)).then(AgentSeen(CRAB, START + HOUR))


def test_a_removed_message_need_not_be_acknowledged() -> None:
    """An acknowledgement that passes only a removed message is not recorded."""
    removed = evolve(CRAB_REMOVED, agent=LOBSTER, position=4)
    given(*ALL_REGISTERED, TO_CRAB, removed, BY_CRAB).when(ACKNOWLEDGE).then(AlreadyRecorded(6))
