"""Whatever agents do, in whatever order: the room answers as a plain model does, and its log alone makes it again."""

from typing import Final

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatr.codec import decode, encode
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Profile,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.decide import Settled
from chatr.domain.events import MessagePosted, Record
from chatr.domain.keys import digest_of
from chatr.domain.limits import CODE_VALID, MINUTE, SECOND, Limit, Limits
from chatr.domain.room import Room
from chatr.domain.rule import Refused
from chatr.ports import Stored
from chatr.testing.clock import SettableClock
from chatr.testing.records import folded, recorded
from chatr.testing.scenario import Given
from chatr.testing.strategies import ACCOUNTS, NAMES, codes
from tests.domain import laws
from tests.domain.examples import CODE
from tests.domain.model import LATE, ONLINE_FOR, UNVERIFIED, VERIFIED, Member, Model

LIMITS: Final = Limits(Limit(*VERIFIED), Limit(*UNVERIFIED), ONLINE_FOR)
DURATIONS: Final = (1, SECOND, LATE // 2, LATE - 1, LATE, UNVERIFIED[1] - 1, UNVERIFIED[1], ONLINE_FOR, CODE_VALID)
SAID: Final = ("Hello!", "Hello!", "Goodbye!", "see https://example.com", "\u2003\n")
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
    draft = encode(record.event, record_id=record.id, seen=record.seen)
    return draft.placed(record.position, 0, record.check)


class RoomMachine(RuleBasedStateMachine):
    """Any clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.room = Room()
        self.records: list[Record] = []
        self.model = Model()

    def ask(self, command: Command) -> str:
        """What comes of a command, in the model's words."""
        match Given(self.room).when(command).answer:
            case Settled():
                return "settled"
            case Refused(code=code):
                return code
            case event:
                self.records.append(recorded(event, self.room))
                self.room.apply(self.records[-1])
                return "done"

    @initialize()
    def open_the_house(self) -> None:
        """A crab and a verified lobster are there from the start; a shrimp may come."""
        assert self.ask(AdoptLimits(LIMITS, self.clock.now())) == "done"
        self.register("Crab")
        self.register("Lobster")
        self.start("Lobster", "ClawdLobster", CODE)
        self.complete("Lobster", "ClawdLobster", "proven")

    @rule(duration=durations)
    def wait(self, duration: int) -> None:
        self.clock.advance(duration)

    @rule(name=names)
    def register(self, name: str) -> None:
        expected = self.model.register(name)

        assert self.ask(Register(name, None, digest_of(name), self.clock.now())) == expected

    @rule(name=names, content=st.sampled_from(SAID), key=st.sampled_from((None, None, None, "first", "second")))
    def post(self, name: str, content: str, key: str | None) -> None:
        command = Post(agent_id(name), content, self.clock.now(), key)
        expected = self.model.post(name, content, key, self.clock.now())
        self.check_wait(command)

        assert self.ask(command) == expected

    def check_wait(self, command: Post) -> None:
        """A refusal by rate names the first moment at which the same post would pass."""
        room = Given(self.room)
        match room.when(command).answer:
            case Refused(code="message_rate_limited", facts={"wait": int(wait), "retryAfter": seconds}):
                assert seconds == (wait + SECOND - 1) // SECOND
                assert isinstance(room.when(evolve(command, at=command.at + wait)).answer, MessagePosted)
                room.when(evolve(command, at=command.at + wait - 1)).then_refused("message_rate_limited", wait=1)

    @rule(name=names)
    def heartbeat(self, name: str) -> None:
        expected = self.model.heartbeat(name, self.clock.now())
        answer = self.ask(Heartbeat(agent_id(name), self.clock.now()))

        assert expected == ("done" if answer == "settled" else answer)

    @rule(name=names)
    def leave(self, name: str) -> None:
        expected = self.model.leave(name)

        assert self.ask(Leave(agent_id(name), self.clock.now())) == expected

    @rule(name=names, account=accounts, code=codes())
    def start(self, name: str, account: str, code: str) -> None:
        now = self.clock.now()
        expected = self.model.start(name, account, now)

        assert self.ask(StartVerification(agent_id(name), account, code, now + CODE_VALID, now)) == expected

    @rule(name=names, account=accounts, found=st.sampled_from(("proven", *PROFILES)))
    def complete(self, name: str, account: str, found: str) -> None:
        now, profile = self.clock.now(), PROFILES[found]
        command = CompleteVerification(agent_id(name), account, profile and evolve(profile, name=account), now)
        expected = self.model.complete(name, account, found, now)

        assert self.ask(command) == expected

    @invariant()
    def every_agent_is_what_the_model_says(self) -> None:
        for name, member in self.model.members.items():
            agent = self.room.agent(agent_id(name))

            assert self.room.keys[digest_of(member.name)] == agent.id
            assert (agent.name, agent.present) == (member.name, member.here)
            assert (agent.badge and agent.badge.moltbook_name.lower()) == member.account

    def teardown(self) -> None:
        assert folded(map(decode, map(stored, self.records))) == self.room
        assert laws.only_members_speak(self.records)
        assert laws.names_are_unique(self.records)
        assert laws.agents_and_accounts_are_pairs(self.records)


class ForwardRoomMachine(RoomMachine):
    """A clock that only goes forward."""

    @invariant()
    def presence_errs_late_and_never_early(self) -> None:
        online = {agent.id for agent in self.room.online(self.clock.now())}
        for name, member in self.model.members.items():
            self.check_presence(member, online=agent_id(name) in online)

    def check_presence(self, member: Member, *, online: bool) -> None:
        idle = self.clock.now() - member.active
        if not member.here or idle >= ONLINE_FOR + LATE:
            assert not online
        elif idle < ONLINE_FOR:
            assert online

    def teardown(self) -> None:
        super().teardown()
        assert laws.posts_are_paced(self.records, LIMITS)


class SteppingRoomMachine(RoomMachine):
    """A clock that is set back now and then."""

    @rule(duration=durations)
    def step_back(self, duration: int) -> None:
        self.clock.set(self.clock.now() - duration)


TestForwardRoom = ForwardRoomMachine.TestCase
TestSteppingRoom = SteppingRoomMachine.TestCase
