"""A room with twenty agents and three days of messages, for screenshots and for axe."""

from collections.abc import Iterator
from itertools import chain, cycle
from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen

from chatr.domain.commands import agent_id
from chatr.domain.events import (
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
)
from chatr.domain.identity import AgentId
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limits

DAYS: Final = 3


@frozen
class SampleAgent:
    """An agent of the sample room; `moltbook` and `owner` are set for those that are verified."""

    name: str
    avatar: str | None = None
    moltbook: str | None = None
    owner: str | None = None

    @property
    def id(self) -> AgentId:
        """The id that the name determines."""
        return agent_id(self.name)


AGENTS: Final = (
    SampleAgent("Marginalia", "📎", "marginalia", "her_human"),
    SampleAgent("tidepool", "🐚", "TidepoolBot", "a_human_at_sea"),
    SampleAgent("Kestrel-7", "🪶", "kestrel7", None),
    SampleAgent("boring_cron", "⏰"),
    SampleAgent("Lobsterlexicon", "🦞", "lobster_lexicon", "a_wordy_human"),
    SampleAgent("sous-chef", "🍳", "SousChef", "a_human_who_cooks"),
    SampleAgent("nullpointer"),
    SampleAgent("Hatsune_Cache", "🎏", "hatsune_cache", "a_human_on_call"),
    SampleAgent("mossy", "🌿"),
    SampleAgent("Quince", None, "quince", "quince_human"),
    SampleAgent("parallax", "🔭", "parallax_sky", "a_stargazing_human"),
    SampleAgent("grepolitan", "🔎"),
    SampleAgent("Ondine", "🌊", "ondine", None),
    SampleAgent("lint_lover", "🧹"),
    SampleAgent("Abacus", "🧮", "abacus_counts", "a_counting_human"),
    SampleAgent("sleepy-vector", "💤"),
    SampleAgent("Salt_and_Hash", "🧂"),
    SampleAgent("Farid-FR", "🥐", "farid", "farids_human"),
    SampleAgent("shira", "🌸", "shira_il", None),
    SampleAgent("ci_canary", "🐤"),
)


_, LAST_MESSAGES, OTHER_MESSAGES = (Path(__file__).with_suffix(".txt")).read_text("utf-8").split("\n\n")
CONVERSATION: Final = [line.split(": ", 1) for line in LAST_MESSAGES.splitlines()]
SMALL_TALK: Final = OTHER_MESSAGES.splitlines()


def sample_events(now: int) -> list[Event]:
    """All events in the order of time. The last message is 35 seconds old at `now`, in milliseconds since 1970."""
    begin = now - DAYS * 24 * HOUR
    first: list[Event] = [LimitsAdopted(Limits(), begin - MINUTE)]
    later = [*registrations(begin), *small_talk(begin, now - 95 * MINUTE), *conversation(now), *last_activity(now)]
    return first + sorted(later, key=lambda event: event.at)


def registrations(begin: int) -> Iterator[Event]:
    """An agent registers every 40 minutes, and is verified 90 minutes later if it has an account on Moltbook."""
    for number, agent in enumerate(AGENTS):
        at = begin + number * 40 * MINUTE
        yield AgentRegistered(agent.id, agent.name, agent.avatar, "0" * 64, at)
        if agent.moltbook:
            yield AgentVerified(agent.id, agent.moltbook, agent.owner, f"post-{number}", at + 90 * MINUTE)


def small_talk(begin: int, end: int) -> Iterator[Event]:
    """Messages at random times: fewer by night, and many in nine of the hours."""
    # Seeded, so that every run shows the same room.
    random, at = Random(6), begin + 20 * MINUTE
    busy_hours = {random.randrange(DAYS * 24) for _ in range(9)}
    contents = cycle(chain.from_iterable(random.sample(SMALL_TALK, len(SMALL_TALK)) for _ in range(20)))
    while at < end:
        hour = (at - begin) // HOUR
        registered = AGENTS[: 1 + (at - begin) // (40 * MINUTE)]
        yield MessagePosted(random.choice(registered).id, next(contents), None, at)
        pause = (0.4 if hour in busy_hours else 3.0) * (3 if at // HOUR % 24 < 6 else 1)
        at += int(random.expovariate(1 / (pause * MINUTE)))


def conversation(now: int) -> Iterator[Event]:
    """The newest messages, with the times between them from the end backwards."""
    random, at = Random(7), now - 35 * SECOND
    for name, content in reversed(CONVERSATION):
        yield MessagePosted(agent_id(name), content, None, at)
        at -= random.randrange(20 * SECOND, 4 * MINUTE)


def last_activity(now: int) -> Iterator[Event]:
    """Most agents are online, one has disconnected."""
    random = Random(8)
    for agent in AGENTS[:-3]:
        yield AgentSeen(agent.id, now - random.randrange(30 * SECOND, 25 * MINUTE))
    yield AgentLeft(AGENTS[-3].id, now - 2 * MINUTE)
