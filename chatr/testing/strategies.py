"""Hypothesis strategies for whatever the room knows. Commands speak of few agents and accounts, so that they meet."""

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chatr.domain.agent import STRANGER, Agent
from chatr.domain.commands import (
    NOBODY,
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
from chatr.domain.events import (
    AgentId,
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
from chatr.domain.keys import ALPHABET, RANDOM_LENGTH, digest_of, key_of
from chatr.domain.limits import (
    AVATAR_LENGTH,
    CODE_ALPHABET,
    CODE_LENGTH,
    CODE_VALID,
    CONTENT_LENGTH,
    MINUTE,
    MOLTBOOK_NAME_LENGTH,
    NAME_LENGTH,
    SECOND,
    Limit,
    Limits,
)
from chatr.domain.policy import POSTING, REGISTERING
from chatr.domain.rule import House, Rule
from chatr.domain.text import tidy
from chatr.testing.clock import START
from chatr.testing.records import accepted

LETTERS: Final = ALPHABET + "_-"
NAMES: Final = ("Crab", "crab", "Lobster", "1obster", "Shrimp")
"""Three agents: two of these names look like another."""
ACCOUNTS: Final = ("ClawdCrab", "clawdcrab", "ClawdLobster")
"""Two Moltbook accounts."""


def obeys(rules: tuple[Rule[Any], ...], agent: Agent) -> Callable[[Command], bool]:
    return lambda command: all(rule.holds(agent, command, House()) for rule in rules)


def names() -> SearchStrategy[str]:
    """Names that anybody may choose."""
    fine = obeys(REGISTERING, STRANGER)
    shaped = st.text(LETTERS, min_size=NAME_LENGTH[0], max_size=NAME_LENGTH[-1])
    return shaped.filter(lambda name: fine(Register(name, None, "", START)))


def avatars() -> SearchStrategy[str]:
    fine = obeys(REGISTERING, STRANGER)
    texts = st.text(min_size=1, max_size=AVATAR_LENGTH).map(tidy)
    return texts.filter(bool).filter(lambda avatar: fine(Register("Crab", avatar, "", START)))


def contents() -> SearchStrategy[str]:
    """What an unverified agent may say."""
    fine = obeys(POSTING, Agent(position=1))
    texts = st.text(min_size=1, max_size=CONTENT_LENGTH).map(tidy)
    return texts.filter(lambda content: fine(Post(NOBODY, content, START)))


def moltbook_names() -> SearchStrategy[str]:
    return st.text(LETTERS, min_size=MOLTBOOK_NAME_LENGTH[0], max_size=MOLTBOOK_NAME_LENGTH[-1])


def keys() -> SearchStrategy[str]:
    return st.text(ALPHABET, min_size=RANDOM_LENGTH, max_size=RANDOM_LENGTH).map(key_of)


def codes() -> SearchStrategy[str]:
    return st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)


def times() -> SearchStrategy[int]:
    """Two hours, most of them at, just before and just after the moments at which limits end."""
    return st.builds(
        lambda halves, off: START + halves * 30 * SECOND + off, st.integers(0, 240), st.sampled_from((0, -1, 1, 999))
    )


def limits() -> SearchStrategy[Limits]:
    limit = st.builds(Limit, st.integers(1, 12), st.integers(1, 10).map(MINUTE.__mul__))
    return st.builds(Limits, limit, limit, st.integers(1, 60).map(MINUTE.__mul__))


def events() -> SearchStrategy[Event]:
    """Facts one by one, each well-formed; they need not follow from one another."""
    agents = names().map(agent_id)
    return st.one_of(
        st.builds(AgentRegistered, agents, names(), st.none() | avatars(), keys().map(digest_of), times()),
        st.builds(MessagePosted, agents, contents(), idempotency_keys(), times()),
        st.builds(AgentSeen, agents, times()),
        st.builds(AgentLeft, agents, times()),
        st.builds(VerificationStarted, agents, moltbook_names(), codes(), times(), times()),
        st.builds(AgentVerified, agents, moltbook_names(), st.none() | names(), st.text(LETTERS), times()),
        st.builds(LimitsAdopted, limits(), times()),
    )


def idempotency_keys() -> SearchStrategy[str | None]:
    return st.none() | st.sampled_from(("first", "second"))


def members() -> SearchStrategy[AgentId]:
    """Agents who may have registered, under one of `NAMES`."""
    return st.sampled_from(NAMES).map(agent_id)


def registrations(at: SearchStrategy[int] | None = None) -> SearchStrategy[Register]:
    """Every name comes with the same key each time."""
    return st.builds(
        lambda name, avatar, at: Register(name, avatar, digest_of(name), at),
        st.sampled_from(NAMES),
        st.sampled_from((None, "🦀")),
        times() if at is None else at,
    )


def posts() -> SearchStrategy[Post]:
    """Some of which may not be said."""
    said = st.sampled_from(("Hello!", "🦀 crab walk", "Hello!", "see https://example.com", " \n ", "a" * 251))
    return st.builds(Post, members(), said, times(), idempotency_keys())


def starts() -> SearchStrategy[StartVerification]:
    return st.builds(
        lambda agent, account, code, at: StartVerification(agent, account, code, at + CODE_VALID, at),
        members(),
        st.sampled_from(ACCOUNTS),
        codes(),
        times(),
    )


def completions() -> SearchStrategy[CompleteVerification]:
    """Moltbook knows the account; mostly it is claimed, and the code is posted."""
    return st.builds(
        lambda agent, account, claimed, proof, at: CompleteVerification(
            agent, account, Profile(account, claimed, "crabowner", proof), at
        ),
        members(),
        st.sampled_from(ACCOUNTS),
        st.sampled_from((True, True, False)),
        st.sampled_from(("post-1", "post-2", None)),
        times(),
    )


def commands() -> SearchStrategy[Command]:
    return st.one_of(
        registrations(),
        posts(),
        posts(),
        posts(),
        st.builds(Heartbeat, members(), times()),
        st.builds(Leave, members(), times()),
        starts(),
        completions(),
        st.builds(AdoptLimits, limits(), times()),
    )


def verifications() -> SearchStrategy[list[Command]]:
    """Start and completion in one piece: left to chance they seldom find each other."""
    return starts().map(
        lambda start: [
            start,
            CompleteVerification(
                start.agent, start.moltbook_name, Profile(start.moltbook_name, True, None, "post-1"), start.at
            ),
        ]
    )


def histories(*, forward: bool = False) -> SearchStrategy[list[Record]]:
    """Logs of a room in which the rules were obeyed. Clocks step back now and then, unless only `forward`."""

    def history(arrivals: list[Register], turns: list[list[Command]]) -> list[Record]:
        asked = [*arrivals, *chain.from_iterable(turns)]
        return accepted(sorted(asked, key=lambda command: command.at) if forward else asked)

    turns = st.lists(verifications() | st.lists(commands(), max_size=20), min_size=4, max_size=12)
    return st.builds(history, st.lists(registrations(st.just(START)), max_size=4), turns)
