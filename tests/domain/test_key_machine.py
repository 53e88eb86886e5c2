"""State machine: at any position exactly the keys that should open an agent do, and a void key never opens again."""

from typing import Final

import pytest
from attrs import define, evolve, field
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatr.domain.commands import Command, CompleteVerification, Register, StartVerification, agent_id
from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import Record
from chatr.domain.key_commands import ActivateKey, IssueKey, Recover, RevokeKey
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY, HOUR, MINUTE, MOST_GRACE, REGISTRATION_REPEATABLE, ROTATIONS
from chatr.domain.proof import Profile
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.testing.clock import SettableClock
from chatr.testing.records import folded_room, next_record
from chatr.testing.scenario import Given
from tests.domain.examples import CODE

AGENTS: Final = ("Crab", "Lobster")
DIGESTS: Final = tuple(hash_key(str(number)) for number in range(20))
GRACES: Final = (0, MINUTE, HOUR, MOST_GRACE)
REQUESTS: Final = (None, hash_key("first request"), hash_key("second request"))
PROFILE: Final = Profile("ClawdCrab", claimed=True, owner=None, proof="post-1", account_id="17")

agents = st.sampled_from(("Crab", *AGENTS))
# Mostly new ones, as only these have an effect when they are issued; FRESH stands for the first that was never issued.
FRESH: Final = ""
digests = st.just(FRESH) | st.just(FRESH) | st.sampled_from(DIGESTS)
operators = st.sampled_from((None, None, None, None, "grace"))


@define
class Keys:
    """The keys of one agent by simple rules: when each of them ends (None: not foreseen), and which is pending."""

    ends: dict[str, int | None] = field(factory=dict)
    current: str | None = None
    pending: str | None = None
    grace: int = 0
    by_operator: bool = False
    rotated_at: list[int] = field(factory=list)
    registered_at: int = 0
    request: str | None = None
    is_unused: bool = False

    def opens(self, digest: str, now: int) -> bool:
        """Whether a key opens the agent."""
        end = self.ends.get(digest, 0)
        return end is None or now < end

    def void(self, *digests: str | None) -> None:
        """End keys at once, for ever."""
        self.ends.update((digest, 0) for digest in digests if digest is not None)

    def issue(self, digest: str, grace: int, *, by_operator: bool, now: int) -> None:
        """Add a pending key in place of the one that was pending."""
        self.void(self.pending)
        self.ends[digest], self.pending, self.grace, self.by_operator = None, digest, grace, by_operator
        if not by_operator:
            self.rotated_at.append(now)

    def activate(self, now: int) -> None:
        """Use the pending key for the first time: the others end after the grace at the latest."""
        for digest, end in self.ends.items():
            if digest != self.pending:
                self.ends[digest] = min(now + self.grace, now + self.grace if end is None else end)
        self.current, self.pending, self.is_unused = self.pending, None, False

    def may_rotate(self, now: int) -> bool:
        """Whether fewer keys than the limit were asked for within its window."""
        return sum(now - at < ROTATIONS.window for at in self.rotated_at) < ROTATIONS.count


class KeyMachine(RuleBasedStateMachine):
    """Sends commands about keys to a room, and compares which keys open its agents with the model."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.room = Room()
        self.records: list[Record] = []
        self.model: dict[str, Keys] = {}
        self.ended: set[str] = set()

    def handle(self, command: Command) -> str:
        """Decide a command and fold its event. Return "done", or the code of the rule that it violates."""
        match Given(self.room).when(command).result:
            case AlreadyRecorded():
                return "already recorded"
            case RuleViolated(code=code):
                return code
            case event:
                self.records.append(next_record(event, self.room))
                self.room.apply(self.records[-1])
                return "done"

    @property
    def now(self) -> int:
        return self.clock.now()

    def chosen(self, digest: str) -> str:
        """Return a digest that was drawn, with FRESH replaced by one that was never issued, while there are any."""
        return digest or next((each for each in DIGESTS if not self.is_known(each)), DIGESTS[-1])

    def is_known(self, digest: str) -> bool:
        """Whether a key was ever issued, to whomever."""
        return any(digest in keys.ends for keys in self.model.values())

    @initialize(request=st.sampled_from(REQUESTS))
    def register_crab(self, request: str | None) -> None:
        """Crab is registered and has a badge; Lobster may register later."""
        crab = agent_id("Crab")
        self.register("Crab", FRESH, request)
        self.handle(StartVerification(crab, PROFILE.name, CODE, self.now + CODE_VALIDITY, self.now))
        self.handle(CompleteVerification(crab, PROFILE.name, PROFILE, self.now))

    @rule(duration=st.sampled_from((1, MINUTE - 1, MINUTE, HOUR - 1, HOUR, MOST_GRACE)))
    def wait(self, duration: int) -> None:
        """Let time pass."""
        self.clock.advance(duration)

    @rule(name=agents, digest=digests, request=st.sampled_from(REQUESTS))
    def register(self, name: str, digest: str, request: str | None) -> None:
        """An agent registers, or repeats its registration."""
        if self.is_known(digest := self.chosen(digest)):
            return  # a server makes a new key for each request
        keys, expected = self.model.get(name), "done"
        if keys is None:
            self.model[name] = keys = Keys({digest: None}, registered_at=self.now, request=request)
            keys.current, keys.pending = (digest, None) if request is None else (None, digest)
            keys.is_unused = request is not None
        elif self.may_repeat(keys, request):
            keys.issue(digest, 0, by_operator=False, now=self.now)
        else:
            expected = "name_taken"

        assert self.handle(Register(name, None, digest, self.now, request=request)) == expected

    def may_repeat(self, keys: Keys, request: str | None) -> bool:
        """Whether a registration may be repeated."""
        is_soon = self.now - keys.registered_at < REGISTRATION_REPEATABLE
        is_same = request is not None and request == keys.request
        is_own = keys.pending is not None and not keys.by_operator
        return is_same and keys.is_unused and is_own and is_soon and keys.may_rotate(self.now)

    @rule(name=agents, digest=digests, grace=st.sampled_from(GRACES), by=operators)
    def issue(self, name: str, digest: str, grace: int, by: str | None) -> None:
        """An agent or an operator issues a key."""
        keys, expected, digest = self.model.get(name), "done", self.chosen(digest)
        if keys is None:
            expected = "unauthorized"
        elif self.is_known(digest):
            expected = "key_used"
        elif by is None and keys.pending is not None and keys.by_operator:
            expected = "operator_key_pending"
        elif by is None and not keys.may_rotate(self.now):
            expected = "key_rate_limited"
        else:
            keys.issue(digest, grace, by_operator=by is not None, now=self.now)

        assert self.handle(IssueKey(agent_id(name), digest, grace, self.now, by)) == expected

    @rule(name=agents)
    def use(self, name: str) -> None:
        """The pending key of an agent is used for the first time."""
        keys = self.model.get(name, Keys())
        if (digest := keys.pending) is not None:
            keys.activate(self.now)

            assert self.handle(ActivateKey(agent_id(name), digest, self.now)) == "done"

    @rule(name=agents, number=st.integers(0, 3))
    def revoke(self, name: str, number: int) -> None:
        """One of the last keys of an agent is revoked, or one that it does not have."""
        keys, expected = self.model.get(name, Keys()), "unauthorized"
        digest = [*DIGESTS, *keys.ends][-1 - number]
        if keys.opens(digest, self.now):
            expected = "done"
            keys.void(digest)
            keys.is_unused = False
            keys.current = None if keys.current == digest else keys.current
            keys.pending = None if keys.pending == digest else keys.pending

        assert self.handle(RevokeKey(agent_id(name), digest, self.now)) == expected

    @rule(digest=digests, account=st.sampled_from(("17", "17", "18")), is_posted=st.sampled_from((True, True, False)))
    def recover(self, digest: str, account: str, is_posted: bool) -> None:
        """Crab recovers its key, if its account has posted the code."""
        digest = self.chosen(digest)
        profile = evolve(PROFILE, account_id=account, proof="post-2" if is_posted else None)
        result = self.handle(Recover(agent_id("Crab"), digest, profile, self.now))
        keys = self.model.get("Crab", Keys())
        if digest == keys.current:
            is_only_key = not any(keys.opens(each, self.now) for each in keys.ends if each != digest)
            assert result == ("already recorded" if is_only_key else "key_used")
        elif result == "done":
            assert (account, is_posted, self.is_known(digest)) == ("17", True, False)
            keys.void(*keys.ends)
            keys.ends[digest], keys.current, keys.pending, keys.is_unused = None, digest, None, False

    @invariant()
    def exactly_the_keys_of_the_model_open(self) -> None:
        """For each agent and key the room and the model agree; a key is found by its digest as long as it opens."""
        for name in AGENTS:
            agent, keys = self.room.agent(agent_id(name)), self.model.get(name, Keys())
            for digest in DIGESTS:
                opens = keys.opens(digest, self.now)

                assert agent.is_opened_by(digest, self.now) == opens
                assert not opens or self.room.agents_by_key[digest] == agent.id

    @invariant()
    def a_void_key_never_opens_again(self) -> None:
        """Once no agent is opened by a key that was issued, none ever is."""
        opening = {
            digest
            for digest in DIGESTS
            if any(agent.is_opened_by(digest, self.now) for agent in self.room.agents.values())
        }

        assert not opening & self.ended
        self.ended |= {digest for digest in DIGESTS if self.is_known(digest)} - opening

    def teardown(self) -> None:
        """The log folds into the same room."""
        assert folded_room(self.records) == self.room


TestKeys = pytest.mark.long(KeyMachine.TestCase)
