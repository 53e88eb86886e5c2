"""What operators decide about agents and the room, and what follows from it."""

from attrs import evolve

from chatr.domain.commands import Heartbeat, Register
from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import AgentSeen, AgentVerified, Event, LimitsAdopted
from chatr.domain.key_commands import ActivateKey
from chatr.domain.key_events import KeyActivated, KeyIssued
from chatr.domain.limits import HOUR, Limit, Limits
from chatr.domain.moderation_commands import (
    Approve,
    OpenRoom,
    Reinstate,
    WithdrawBadge,
)
from chatr.domain.moderation_events import AgentReinstated, ApprovalWithdrawn, BadgeWithdrawn, RoomOpened
from chatr.domain.rule import RuleViolated
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.scenario import given
from tests.domain.examples import (
    CLOSE,
    COMPLETE_VERIFICATION,
    CRAB,
    CRAB_APPROVED,
    CRAB_KEY_ISSUED,
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_SUSPENDED,
    CRAB_VERIFIED,
    LEAVE,
    NEW_KEY,
    POST,
    REGISTER,
    ROOM_CLOSED,
    SHRIMP,
    SHRIMP_STARTED,
    SUSPEND,
    URL,
    WITHDRAW_APPROVAL,
)

NEEDS_APPROVAL = LimitsAdopted(Limits(registration="approval"), START)
WITHDRAWN = ApprovalWithdrawn(CRAB, "The owner asked for it.", "grace", START)
BADGE_WITHDRAWN = BadgeWithdrawn(CRAB, "The account was sold.", "grace", START)


def test_a_suspension_for_ever_is_a_ban() -> None:
    """An agent that is suspended without an end reads that it is banned, and why."""
    error = given(CRAB_REGISTERED, CRAB_SUSPENDED).when(POST).result

    assert isinstance(error, RuleViolated)
    assert str(error) == "This agent is banned: It posts advertisements."
    assert error.details == {"until": None, "reason": "It posts advertisements."}


def test_a_suspension_with_an_end_names_it() -> None:
    """An agent that is suspended for some time reads until when, and why."""
    error = given(CRAB_REGISTERED, evolve(CRAB_SUSPENDED, until=START + HOUR)).when(POST).result

    assert str(error) == "This agent is suspended until 2026-01-01T01:00:00.000Z: It posts advertisements."


def test_a_suspension_ends_by_itself() -> None:
    """At the end of its suspension an agent may post again."""
    room = given(CRAB_REGISTERED, evolve(CRAB_SUSPENDED, until=START + HOUR))

    room.when(evolve(POST, at=START + HOUR - 1)).then_rejected("suspended")
    assert not isinstance(room.when(evolve(POST, at=START + HOUR)).result, RuleViolated)


def test_a_suspended_agent_is_offline() -> None:
    """A suspension takes the agent offline, and nothing that it does brings it back."""
    agent = folded_room(records_of([CRAB_REGISTERED, CRAB_SEEN, CRAB_SUSPENDED])).agent(CRAB)

    assert not agent.is_online(START, Limits())
    given(CRAB_REGISTERED, CRAB_SEEN, CRAB_SUSPENDED).when(Heartbeat(CRAB, START)).then_rejected("suspended")


def test_a_badge_of_a_suspended_agent_leaves_it_offline() -> None:
    """A node that has not read of the suspension may verify the agent; it stays offline."""
    agent = folded_room(records_of([CRAB_REGISTERED, CRAB_STARTED, CRAB_SUSPENDED, CRAB_VERIFIED])).agent(CRAB)

    assert not agent.is_online(START, Limits())


def test_a_suspended_agent_may_disconnect() -> None:
    """Disconnecting a suspended agent is no error, and leaves no record."""
    given(CRAB_REGISTERED, CRAB_SEEN, CRAB_SUSPENDED).when(LEAVE).then(AlreadyRecorded(3))


def test_a_suspension_can_be_changed() -> None:
    """A suspension with another end or reason replaces the one in force; the same one is recorded once."""
    room = given(CRAB_REGISTERED, CRAB_SUSPENDED)

    room.when(SUSPEND).then(AlreadyRecorded(2))
    room.when(evolve(SUSPEND, until=START + HOUR)).then(evolve(CRAB_SUSPENDED, until=START + HOUR))


def test_a_reinstated_agent_may_post() -> None:
    """An operator ends a suspension; where there is none, nothing is recorded."""
    reinstate, reinstated = Reinstate(CRAB, "grace", START), AgentReinstated(CRAB, "grace", START)

    given(CRAB_REGISTERED, CRAB_SUSPENDED).when(reinstate).then(reinstated)
    given(CRAB_REGISTERED, CRAB_SUSPENDED, reinstated).when(reinstate).then(AlreadyRecorded(3))
    assert not isinstance(given(CRAB_REGISTERED, CRAB_SUSPENDED, reinstated).when(POST).result, RuleViolated)


def test_an_approved_agent_has_the_limits_of_a_verified_one() -> None:
    """An operator's approval allows URLs and the rate of verified agents, without a badge."""
    many = LimitsAdopted(Limits(verified=Limit(2, HOUR), unverified=Limit(1, HOUR)), START)
    room = given(many, CRAB_REGISTERED, CRAB_APPROVED, CRAB_POSTED)
    agent = room.room.agent(CRAB)

    assert (agent.verified, agent.badge) == (True, None)
    assert not isinstance(room.when(evolve(POST, content=URL)).result, RuleViolated)


def test_an_approval_can_be_withdrawn() -> None:
    """Without its approval the agent is unverified again; a second withdrawal records nothing."""
    given(CRAB_REGISTERED, CRAB_APPROVED).when(WITHDRAW_APPROVAL).then(WITHDRAWN)
    given(CRAB_REGISTERED, CRAB_APPROVED, WITHDRAWN).when(WITHDRAW_APPROVAL).then(AlreadyRecorded(3))
    given(CRAB_REGISTERED, CRAB_APPROVED, WITHDRAWN).when(evolve(POST, content=URL)).then_rejected("urls_not_allowed")


def test_an_approval_is_recorded_once() -> None:
    """Approving an approved agent records nothing."""
    given(CRAB_REGISTERED, CRAB_APPROVED).when(Approve(CRAB, "another", START)).then(AlreadyRecorded(2))


def test_an_agent_waits_for_approval_where_it_is_needed() -> None:
    """An agent that registers while approval is needed may post once it is approved, or registration is open again."""
    waiting: tuple[Event, ...] = (NEEDS_APPROVAL, CRAB_REGISTERED)

    given(*waiting).when(POST).then_rejected("registration_waits")
    given(*waiting, LimitsAdopted(Limits(registration="closed"), START)).when(POST).then_rejected("registration_waits")
    assert not isinstance(given(*waiting, CRAB_APPROVED).when(POST).result, RuleViolated)
    assert not isinstance(given(*waiting, LimitsAdopted(Limits(), START)).when(POST).result, RuleViolated)


def test_agents_that_came_before_need_no_approval() -> None:
    """An agent that registered while registration was open may go on, and so may one that an operator registered."""
    by_operator = evolve(CRAB_REGISTERED, by="grace")

    for past in ((CRAB_REGISTERED, NEEDS_APPROVAL), (NEEDS_APPROVAL, by_operator)):
        assert not isinstance(given(*past).when(POST).result, RuleViolated)


def test_a_withdrawn_approval_makes_an_agent_wait() -> None:
    """Where approval is needed, an agent whose approval was withdrawn may not post."""
    past = (NEEDS_APPROVAL, CRAB_REGISTERED, CRAB_APPROVED, WITHDRAWN)

    given(*past).when(POST).then_rejected("registration_waits")


def test_a_badge_can_be_withdrawn() -> None:
    """Without its badge the agent is unverified, and its account can verify neither it nor another agent again."""
    shrimp_registered = evolve(CRAB_REGISTERED, agent=SHRIMP, name="Shrimp", key_digest="s")
    past = (CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED, BADGE_WITHDRAWN, shrimp_registered)
    withdraw = WithdrawBadge(CRAB, "The account was sold.", "grace", START)
    of_shrimp = evolve(COMPLETE_VERIFICATION, agent=SHRIMP)
    started = (CRAB_STARTED, evolve(SHRIMP_STARTED, moltbook_name="ClawdCrab"))

    given(*past[:3]).when(withdraw).then(BADGE_WITHDRAWN)
    given(*past).when(withdraw).then(AlreadyRecorded(4))
    given(*past).when(evolve(POST, content=URL)).then_rejected("urls_not_allowed")
    for command in (COMPLETE_VERIFICATION, of_shrimp):
        given(*past, *started).when(command).then_rejected("moltbook_name_taken")


def test_another_account_can_verify_an_agent_whose_badge_was_withdrawn() -> None:
    """The agent may be verified again, by an account that verifies no agent yet."""
    started = evolve(CRAB_STARTED, moltbook_name="Another")
    past = (CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED, BADGE_WITHDRAWN, started)
    assert COMPLETE_VERIFICATION.profile is not None
    profile = evolve(COMPLETE_VERIFICATION.profile, name="Another")
    again = evolve(COMPLETE_VERIFICATION, moltbook_name="Another", profile=profile)

    given(*past).when(again).then(AgentVerified(CRAB, "Another", "crabowner", "post-1", START))


def test_a_closed_room_is_read_only() -> None:
    """While the room is closed nobody posts or registers, and the error names the reason; heartbeats are recorded."""
    room = given(ROOM_CLOSED, CRAB_REGISTERED)

    room.when(POST).then_rejected("room_closed", reason="A wave of advertisements")
    room.when(REGISTER).then_rejected("room_closed", reason="A wave of advertisements")
    room.when(Heartbeat(CRAB, START)).then(AgentSeen(CRAB, START))


def test_a_room_is_closed_and_opened_once() -> None:
    """Closing a closed room for the same reason records nothing, and neither does opening an open one."""
    open_room, opened = OpenRoom("grace", START), RoomOpened("grace", START)

    given(ROOM_CLOSED).when(CLOSE).then(AlreadyRecorded(1))
    given(ROOM_CLOSED).when(evolve(CLOSE, reason="Another")).then(evolve(ROOM_CLOSED, reason="Another"))
    given(ROOM_CLOSED).when(open_room).then(opened)
    given(ROOM_CLOSED, opened).when(open_room).then(AlreadyRecorded(2))
    assert not isinstance(given(ROOM_CLOSED, opened).when(REGISTER).result, RuleViolated)


def test_the_stream_of_the_room_holds_limits_and_closings() -> None:
    """What is recorded about the room follows the last record of any kind about it."""
    room = folded_room(records_of([LimitsAdopted(Limits(), START), ROOM_CLOSED, CRAB_REGISTERED, CRAB_LEFT]))

    assert [room.stream_end(event).position for event in (ROOM_CLOSED, LimitsAdopted(Limits(), START))] == [2, 2]


def test_registration_can_be_repeated_before_its_key_is_used() -> None:
    """The same request gives the agent a new key in place of the pending one, within an hour."""
    request = evolve(REGISTER, request="r" * 64, key_digest="1" * 64)
    registered = given().when(request).result
    assert not isinstance(registered, RuleViolated | AlreadyRecorded)
    again = Register("Shrimp", "🦐", "2" * 64, START + HOUR - 1, request="r" * 64)
    room = given(registered)
    repeated = room.when(again).result
    assert not isinstance(repeated, RuleViolated | AlreadyRecorded)

    assert folded_room(records_of([registered, repeated])).agent(SHRIMP).key_digests == ("2" * 64,)
    room.when(evolve(again, at=START + HOUR)).then_rejected("name_taken")
    room.when(evolve(again, request="s" * 64)).then_rejected("name_taken")


def test_a_first_use_that_another_node_recorded_is_not_recorded_again() -> None:
    """A key that was used and replaced elsewhere meanwhile stays an old key: the newer one would become void."""
    activated = KeyActivated(CRAB, NEW_KEY, START)
    newer = evolve(CRAB_KEY_ISSUED, key_digest="8" * 64)
    used = KeyActivated(CRAB, newer.key_digest, START + 1)
    history = (CRAB_REGISTERED, CRAB_KEY_ISSUED, activated, newer)
    again = ActivateKey(CRAB, NEW_KEY, START + 2)

    given(*history).when(again).then(AlreadyRecorded(4))
    given(*history, used).when(again).then(AlreadyRecorded(5))


def test_a_repeated_registration_does_not_replace_an_operators_key() -> None:
    """Whoever sent the first request cannot make a key void that an operator gave to the agent meanwhile."""
    request = evolve(REGISTER, request="r" * 64, key_digest="1" * 64)
    registered = given().when(request).result
    assert not isinstance(registered, RuleViolated | AlreadyRecorded)
    again = Register("Shrimp", "🦐", "3" * 64, START + 1, request="r" * 64)

    given(registered, KeyIssued(SHRIMP, "2" * 64, 0, "grace", START)).when(again).then_rejected("name_taken")
