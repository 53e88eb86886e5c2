"""State machines: the room decides random commands as the model does, and its log folds into the same room."""

from typing import Final

import pytest
from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatr.codec import decode
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import MessagePosted, Record
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY, MINUTE, SECOND, Limit, Limits
from chatr.domain.proof import Profile
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.ports import Stored
from chatr.testing.clock import SettableClock
from chatr.testing.records import draft_of, folded_room, next_record
from chatr.testing.scenario import Given
from chatr.testing.strategies import ACCOUNTS, NAMES, codes
from tests.domain import laws
from tests.domain.examples import CODE
from tests.domain.model import ONLINE_FOR, SEEN_EVERY, UNVERIFIED, VERIFIED, Member, Model

LIMITS: Final = Limits(Limit(*VERIFIED), Limit(*UNVERIFIED), ONLINE_FOR)
DURATIONS: Final = (
    1,
    SECOND,
    SEEN_EVERY // 2,
    SEEN_EVERY - 1,
    SEEN_EVERY,
    UNVERIFIED[1] - 1,
    UNVERIFIED[1],
    ONLINE_FOR,
    CODE_VALIDITY,
)
CONTENTS: Final = ("Hello!", "Hello!", "Goodbye!", "see https://example.com", "\u2003\n")
PROFILE: Final = Profile("", claimed=True, owner="owner", proof="post-1")
PROFILES: Final = {
    "proven": PROFILE,
    "moltbook_not_found": None,
    "moltbook_not_claimed": evolve(PROFILE, claimed=False),
    "verification_post_not_found": evolve(PROFILE, proof=None),
}

names = st.sampled_from(NAMES)
durations = st.sampled_from(DURATIONS) | st.integers(0, MINUTE) | st.integers(0, 2 * ONLINE_FOR)
accounts = st.sampled_from(ACCOUNTS)


def stored(record: Record) -> Stored:
    """The stored form of a record."""
    draft = draft_of(record.event, record_id=record.id, decided_at_position=record.decided_at_position)
    return draft.at_position(record.position, 0, record.record_hash)


class RoomMachine(RuleBasedStateMachine):
    """Sends the same commands to the room and to its model, and compares the results."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.room = Room()
        self.records: list[Record] = []
        self.model = Model()

    def handle(self, command: Command) -> str:
        """The result of a command, in the terms of the model."""
        match Given(self.room).when(command).result:
            case AlreadyRecorded():
                return "already recorded"
            case RuleViolated(code=code):
                return code
            case event:
                self.records.append(next_record(event, self.room))
                self.room.apply(self.records[-1])
                return "done"

    @initialize()
    def open_room(self) -> None:
        """A crab and a verified lobster are registered from the start; a shrimp may register later."""
        assert self.handle(AdoptLimits(LIMITS, self.clock.now())) == "done"
        self.register("Crab")
        self.register("Lobster")
        self.start("Lobster", "ClawdLobster", CODE)
        self.complete("Lobster", "ClawdLobster", "proven")

    @rule(duration=durations)
    def wait(self, duration: int) -> None:
        """Let time pass."""
        self.clock.advance(duration)

    @rule(name=names)
    def register(self, name: str) -> None:
        """An agent registers."""
        expected = self.model.register(name)

        assert self.handle(Register(name, None, hash_key(name), self.clock.now())) == expected

    @rule(name=names, content=st.sampled_from(CONTENTS), key=st.sampled_from((None, None, None, "first", "second")))
    def post(self, name: str, content: str, key: str | None) -> None:
        """An agent posts a message."""
        command = Post(agent_id(name), content, self.clock.now(), key)
        expected = self.model.post(name, content, key, self.clock.now())
        self.check_wait(command)

        assert self.handle(command) == expected

    def check_wait(self, command: Post) -> None:
        """A rate limit error names the first time at which the same post would be accepted."""
        room = Given(self.room)
        match room.when(command).result:
            case RuleViolated(code="message_rate_limited", details={"wait": int(wait), "retryAfter": seconds}):
                assert seconds == (wait + SECOND - 1) // SECOND
                assert isinstance(room.when(evolve(command, at=command.at + wait)).result, MessagePosted)
                room.when(evolve(command, at=command.at + wait - 1)).then_rejected("message_rate_limited", wait=1)

    @rule(name=names)
    def heartbeat(self, name: str) -> None:
        """An agent sends a heartbeat."""
        expected = self.model.heartbeat(name, self.clock.now())
        result = self.handle(Heartbeat(agent_id(name), self.clock.now()))

        assert expected == ("done" if result == "already recorded" else result)

    @rule(name=names)
    def leave(self, name: str) -> None:
        """An agent leaves."""
        expected = self.model.leave(name)

        assert self.handle(Leave(agent_id(name), self.clock.now())) == expected

    @rule(name=names, account=accounts, code=codes())
    def start(self, name: str, account: str, code: str) -> None:
        """An agent starts a verification."""
        now = self.clock.now()
        expected = self.model.start(name, account, now)

        assert self.handle(StartVerification(agent_id(name), account, code, now + CODE_VALIDITY, now)) == expected

    @rule(name=names, account=accounts, profile_name=st.sampled_from(("proven", *PROFILES)))
    def complete(self, name: str, account: str, profile_name: str) -> None:
        """An agent completes a verification, with one of the replies that Moltbook may give."""
        now, profile = self.clock.now(), PROFILES[profile_name]
        command = CompleteVerification(agent_id(name), account, profile and evolve(profile, name=account), now)
        expected = self.model.complete(name, account, profile_name, now)

        assert self.handle(command) == expected

    @invariant()
    def every_agent_is_as_in_the_model(self) -> None:
        """Names, presence and badges are those of the model."""
        for name, member in self.model.members.items():
            agent = self.room.agent(agent_id(name))

            assert self.room.agents_by_key[hash_key(member.name)] == agent.id
            assert (agent.name, agent.present) == (member.name, member.present)
            assert (agent.badge and agent.badge.moltbook_name.lower()) == member.account

    def teardown(self) -> None:
        """The log folds into the same room, and has the properties in `laws`."""
        assert folded_room(map(decode, map(stored, self.records))) == self.room
        assert laws.only_registered_agents_post(self.records)
        assert laws.agents_register_once(self.records)
        assert laws.agents_and_accounts_are_pairs(self.records)


class ForwardRoomMachine(RoomMachine):
    """The machine with a clock that only goes forward."""

    @invariant()
    def agents_go_offline_late_and_never_early(self) -> None:
        """An agent is online for the stated time after an activity, and at most `SEEN_EVERY` longer."""
        online = {agent.id for agent in self.room.online_agents(self.clock.now())}
        for name, member in self.model.members.items():
            self.check_presence(member, online=agent_id(name) in online)

    def check_presence(self, member: Member, *, online: bool) -> None:
        """Check that an agent is shown as online, or not, as the time since its last activity demands."""
        idle = self.clock.now() - member.active_at
        if not member.present or idle >= ONLINE_FOR + SEEN_EVERY:
            assert not online
        elif idle < ONLINE_FOR:
            assert online

    def teardown(self) -> None:
        """No rate limit was exceeded."""
        super().teardown()
        assert laws.posts_are_within_rate_limits(self.records, LIMITS)


class SteppingRoomMachine(RoomMachine):
    """The machine with a clock that is also set back."""

    @rule(duration=durations)
    def step_back(self, duration: int) -> None:
        """Set the clock back."""
        self.clock.set(self.clock.now() - duration)


# The other machine takes all steps of this one; this one says in addition what a clock that goes forward guarantees.
TestForwardRoom = pytest.mark.long(ForwardRoomMachine.TestCase)
TestSteppingRoom = SteppingRoomMachine.TestCase
