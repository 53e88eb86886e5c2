"""Hypothesis strategies for texts, events, commands and whole logs.

Commands are about few agents and few accounts, so that they often meet.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chatr.domain.agent import UNREGISTERED, Agent
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
from chatr.domain.events import (
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
    Record,
    VerificationStarted,
)
from chatr.domain.identity import NO_AGENT, AgentId
from chatr.domain.key_commands import Recover
from chatr.domain.keys import ALPHABET, RANDOM_LENGTH, hash_key, key_from_random
from chatr.domain.limits import (
    AVATAR_LENGTH,
    CODE_ALPHABET,
    CODE_LENGTH,
    CODE_VALIDITY,
    CONTENT_LENGTH,
    MINUTE,
    MOLTBOOK_NAME_LENGTH,
    NAME_LENGTH,
    SECOND,
    Limit,
    Limits,
)
from chatr.domain.policy import POSTING, REGISTERING
from chatr.domain.proof import Profile
from chatr.domain.rule import Rule, RuleContext
from chatr.domain.text import normalize
from chatr.testing.clock import START
from chatr.testing.operator_strategies import account_ids, hosts, operations, operator_events, recoveries
from chatr.testing.records import records_after

NAME_CHARACTERS: Final = ALPHABET + "_-"
NAMES: Final = ("Crab", "crab", "Lobster", "1obster", "Shrimp")
"""The names of three agents: the second looks like the first, and the fourth like the third."""
ACCOUNTS: Final = ("ClawdCrab", "clawdcrab", "ClawdLobster")
"""The names of two Moltbook accounts: the first two differ in case alone."""

POSITIONS: Final = st.none() | st.integers(1, 40)
"""A position in a short log, or none."""


def obeying(rules: tuple[Rule[Any], ...], agent: Agent) -> Callable[[Command], bool]:
    """Whether a command of `agent` obeys rules in a room where nothing has happened."""
    return lambda command: all(rule.holds(agent, command, RuleContext()) for rule in rules)


def names() -> SearchStrategy[str]:
    """Names that an agent may register with."""
    is_allowed = obeying(REGISTERING, UNREGISTERED)
    well_formed = st.text(NAME_CHARACTERS, min_size=NAME_LENGTH[0], max_size=NAME_LENGTH[-1])
    return well_formed.filter(lambda name: is_allowed(Register(name, None, "", START)))


def avatars() -> SearchStrategy[str]:
    """Avatars that an agent may register with."""
    is_allowed = obeying(REGISTERING, UNREGISTERED)
    texts = st.text(min_size=1, max_size=AVATAR_LENGTH).map(normalize)
    return texts.filter(bool).filter(lambda avatar: is_allowed(Register("Crab", avatar, "", START)))


def contents() -> SearchStrategy[str]:
    """Messages that an unverified agent may post."""
    is_allowed = obeying(POSTING, Agent(position=1))
    texts = st.text(min_size=1, max_size=CONTENT_LENGTH).map(normalize)
    return texts.filter(lambda content: is_allowed(Post(NO_AGENT, content, START)))


def moltbook_names() -> SearchStrategy[str]:
    """Names that a Moltbook account may have."""
    return st.text(NAME_CHARACTERS, min_size=MOLTBOOK_NAME_LENGTH[0], max_size=MOLTBOOK_NAME_LENGTH[-1])


def keys() -> SearchStrategy[str]:
    """API keys with a valid checksum."""
    return st.text(ALPHABET, min_size=RANDOM_LENGTH, max_size=RANDOM_LENGTH).map(key_from_random)


def codes() -> SearchStrategy[str]:
    """Verification codes."""
    return st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)


def times() -> SearchStrategy[int]:
    """Times in two hours, mostly at the end of a window of a limit, just before it or just after it."""
    return st.builds(
        lambda half_minutes, offset: START + half_minutes * 30 * SECOND + offset,
        st.integers(0, 240),
        st.sampled_from((0, -1, 1, 999)),
    )


def limits() -> SearchStrategy[Limits]:
    """Limits of a room: at most 12 posts in at most 10 minutes."""
    limit = st.builds(Limit, st.integers(1, 12), st.integers(1, 10).map(MINUTE.__mul__))
    minutes = st.integers(1, 60).map(MINUTE.__mul__)
    registration = st.sampled_from((None, "open", "approval", "closed"))
    younger = (st.none() | minutes, st.none() | limit, st.none() | limit, registration)
    return st.builds(Limits, limit, limit, minutes, *younger, st.sampled_from((None, "open", "agents")))


def events() -> SearchStrategy[Event]:
    """Single events, each well-formed. They need not follow from one another."""
    agents = names().map(agent_id)
    return st.one_of(
        st.builds(AgentRegistered, agents, names(), st.none() | avatars(), keys().map(hash_key), times()),
        st.builds(MessagePosted, agents, contents(), idempotency_keys(), times(), st.none(), POSITIONS, st.booleans()),
        st.builds(AgentSeen, agents, times(), POSITIONS),
        st.builds(AgentLeft, agents, times()),
        st.builds(VerificationStarted, agents, moltbook_names(), codes(), times(), times(), hosts()),
        st.builds(
            AgentVerified,
            agents,
            moltbook_names(),
            st.none() | names(),
            st.text(NAME_CHARACTERS),
            times(),
            account_ids(),
        ),
        st.builds(LimitsAdopted, limits(), times()),
        operator_events(agents, times()),
    )


def idempotency_keys() -> SearchStrategy[str | None]:
    """One of two idempotency keys, or none."""
    return st.none() | st.sampled_from(("first", "second"))


def agent_ids() -> SearchStrategy[AgentId]:
    """The ids of agents that may have registered with one of `NAMES`."""
    return st.sampled_from(NAMES).map(agent_id)


def registrations(at: SearchStrategy[int] | None = None) -> SearchStrategy[Register]:
    """Registrations of one of `NAMES`. A name always comes with the same key."""
    return st.builds(
        lambda name, avatar, at: Register(name, avatar, hash_key(name), at),
        st.sampled_from(NAMES),
        st.sampled_from((None, "🦀")),
        times() if at is None else at,
    )


def posts() -> SearchStrategy[Post]:
    """Posts, some of which the rules reject."""
    texts = ("Hello!", "🦀 crab walk", "Hello!", "see https://example.com", " \n ", "a" * 251)
    addressed = ("@Lobster, hello", "@crab @Lobster @Shrimp", "@Shrimp @shrimp: @Nobody")
    contents = st.sampled_from((*texts, *addressed))
    return st.builds(
        Post, agent_ids(), contents, times(), idempotency_keys(), st.none(), POSITIONS, st.sampled_from((False, True))
    )


def verification_starts() -> SearchStrategy[StartVerification]:
    """Commands that start a verification with one of `ACCOUNTS`."""
    return st.builds(
        lambda agent, account, code, at, host: StartVerification(agent, account, code, at + CODE_VALIDITY, at, host),
        agent_ids(),
        st.sampled_from(ACCOUNTS),
        codes(),
        times(),
        hosts(),
    )


def verification_completions() -> SearchStrategy[CompleteVerification]:
    """Commands that complete a verification. The account exists; mostly it has an owner and has posted the code."""
    return st.builds(
        lambda agent, account, claimed, proof, at, account_id: CompleteVerification(
            agent, account, Profile(account, claimed, "crabowner", proof, (), account_id), at
        ),
        agent_ids(),
        st.sampled_from(ACCOUNTS),
        st.sampled_from((True, True, False)),
        st.sampled_from(("post-1", "post-2", None)),
        times(),
        account_ids(),
    )


def commands() -> SearchStrategy[Command]:
    """Commands of agents, of every type; half of them are posts. And limits."""
    return st.one_of(
        registrations(),
        posts(),
        posts(),
        posts(),
        st.builds(Heartbeat, agent_ids(), times(), st.integers(0, 40)),
        st.builds(Leave, agent_ids(), times()),
        verification_starts(),
        verification_completions(),
        st.builds(AdoptLimits, limits(), times()),
    )


def verifications() -> SearchStrategy[list[Command]]:
    """A start and a completion that fits it, and a recovery. Left to chance they seldom meet."""

    def verification(start: StartVerification, account_id: str | None, recovery: Recover) -> list[Command]:
        """The start, its completion and the recovery."""
        name, agent = start.moltbook_name, start.agent
        profile = Profile(name, True, None, "post-1", account_id=account_id)
        return [start, CompleteVerification(agent, name, profile, start.at), evolve(recovery, agent=agent)]

    return st.builds(verification, verification_starts(), account_ids(), recoveries(agent_ids(), times()))


def histories(*, forward: bool = False, moderated: bool = True) -> SearchStrategy[list[Record]]:
    """Logs in which every record obeys the rules. Times step back now and then, unless `forward` is set.

    Without `moderated` no operator acts and no key changes.
    """

    def history(registered: list[Register], groups: list[list[Command]]) -> list[Record]:
        """The log after these commands, in their order or in that of their times."""
        handled = [*registered, *chain.from_iterable(groups)]
        return records_after(sorted(handled, key=lambda command: command.at) if forward else handled)

    group: SearchStrategy[Any] = verifications() | st.lists(commands(), max_size=20)
    groups = st.lists(group | operations(agent_ids(), times()) if moderated else group, min_size=4, max_size=8)
    return st.builds(history, st.lists(registrations(st.just(START)), max_size=4), groups)
