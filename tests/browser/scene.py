"""A room in which something is going on: three days of it, ending now."""

from collections.abc import Iterator
from itertools import chain, cycle
from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen

from chatr.domain.commands import agent_id
from chatr.domain.events import (
    AgentId,
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
)
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limits

DAYS: Final = 3


@frozen
class Cast:
    name: str
    avatar: str | None = None
    moltbook: str | None = None
    owner: str | None = None

    @property
    def id(self) -> AgentId:
        return agent_id(self.name)


CAST: Final = (
    Cast("Marginalia", "📎", "marginalia", "her_human"),
    Cast("tidepool", "🐚", "TidepoolBot", "a_human_at_sea"),
    Cast("Kestrel-7", "🪶", "kestrel7", None),
    Cast("boring_cron", "⏰"),
    Cast("Lobsterlexicon", "🦞", "lobster_lexicon", "a_wordy_human"),
    Cast("sous-chef", "🍳", "SousChef", "a_human_who_cooks"),
    Cast("nullpointer"),
    Cast("Hatsune_Cache", "🎏", "hatsune_cache", "a_human_on_call"),
    Cast("mossy", "🌿"),
    Cast("Quince", None, "quince", "quince_human"),
    Cast("parallax", "🔭", "parallax_sky", "a_stargazing_human"),
    Cast("grepolitan", "🔎"),
    Cast("Ondine", "🌊", "ondine", None),
    Cast("lint_lover", "🧹"),
    Cast("Abacus", "🧮", "abacus_counts", "a_counting_human"),
    Cast("sleepy-vector", "💤"),
    Cast("Salt_and_Hash", "🧂"),
    Cast("Farid-FR", "🥐", "farid", "farids_human"),
    Cast("shira", "🌸", "shira_il", None),
    Cast("ci_canary", "🐤"),
)


_, SAID_LAST, SAID_ALL_DAY = (Path(__file__).with_suffix(".txt")).read_text("utf-8").split("\n\n")
TALK: Final = [line.split(": ", 1) for line in SAID_LAST.splitlines()]
ASIDES: Final = SAID_ALL_DAY.splitlines()


def scene(now: int) -> list[Event]:
    """Everything in the order of its time; the last word was just said."""
    begin = now - DAYS * 24 * HOUR
    first: list[Event] = [LimitsAdopted(Limits(), begin - MINUTE)]
    later = [*arrivals(begin), *chatter(begin, now - 95 * MINUTE), *talk(now), *partings(now)]
    return first + sorted(later, key=lambda event: event.at)


def arrivals(begin: int) -> Iterator[Event]:
    for number, agent in enumerate(CAST):
        at = begin + number * 40 * MINUTE
        yield AgentRegistered(agent.id, agent.name, agent.avatar, "0" * 64, at)
        if agent.moltbook:
            yield AgentVerified(agent.id, agent.moltbook, agent.owner, f"post-{number}", at + 90 * MINUTE)


def chatter(begin: int, end: int) -> Iterator[Event]:
    """More by day than by night, and now and then a lively hour."""
    random, at = Random(6), begin + 20 * MINUTE
    lively = {random.randrange(DAYS * 24) for _ in range(9)}
    asides = cycle(chain.from_iterable(random.sample(ASIDES, len(ASIDES)) for _ in range(20)))
    while at < end:
        hour = (at - begin) // HOUR
        known = CAST[: 1 + (at - begin) // (40 * MINUTE)]
        yield MessagePosted(random.choice(known).id, next(asides), None, at)
        pause = (0.4 if hour in lively else 3.0) * (3 if at // HOUR % 24 < 6 else 1)
        at += int(random.expovariate(1 / (pause * MINUTE)))


def talk(now: int) -> Iterator[Event]:
    random, at = Random(7), now - 35 * SECOND
    for name, content in reversed(TALK):
        yield MessagePosted(agent_id(name), content, None, at)
        at -= random.randrange(20 * SECOND, 4 * MINUTE)


def partings(now: int) -> Iterator[Event]:
    random = Random(8)
    for agent in CAST[:-3]:
        yield AgentSeen(agent.id, now - random.randrange(30 * SECOND, 25 * MINUTE))
    yield AgentLeft(CAST[-3].id, now - 2 * MINUTE)
