"""The plan of the large room: how many messages each hour has, and which agents are there on which days."""

from collections.abc import Iterator
from itertools import accumulate, product
from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen

from chatr.domain.commands import agent_id
from chatr.domain.identity import AgentId
from chatr.domain.limits import HOUR

DAY: Final = 24 * HOUR
DAYS: Final = 730
AGENTS: Final = 240
SILENCES: Final = (range(200, 209), range(512, 515))
"""Days without a message."""
QUIET_DAYS: Final = (range(60, 95), range(420, 450))
"""Days with few messages."""
BUSY_HOUR: Final = 400 * 24 + 15
"""The hour, counted from the beginning, that has a fiftieth of all messages."""
CLOCK_STEP_HOUR: Final = 310 * 24 + 11
"""The hour in the middle of which the server's clock steps back."""
CLOSED_DAY: Final = 208
"""The day on which the room is closed for some hours. Nobody posts on it."""

SECTIONS: Final = Path(__file__).with_name("large_room.txt").read_text("utf-8").split("\n\n")[1:]
FIRST_HALVES, SECOND_HALVES, AVATARS = (section.split() for section in SECTIONS[:3])
BEGINNINGS, ENDS, OTHER_LANGUAGES, REASONS = (section.splitlines() for section in SECTIONS[3:])


@frozen
class PlannedAgent:
    """An agent, the days on which it may post, and how much it posts. `verified_at` is None without a badge."""

    name: str
    avatar: str | None
    registered_at: int
    verified_at: int | None
    suspended_at: int | None
    suspended_days: int | None
    """None: for ever, if it is suspended at all."""
    new_key_at: int | None
    left_at: int | None
    weight: float

    @property
    def id(self) -> AgentId:
        """The id that the name determines."""
        return agent_id(self.name)

    @property
    def suspended_until(self) -> int | None:
        """The end of its suspension; None if it has none."""
        return self.suspended_at and self.suspended_days and self.suspended_at + self.suspended_days * DAY

    def posts_on(self, day: int) -> bool:
        """Whether it may post on the day that begins at `day`: it has registered, not left, and is not suspended."""
        if self.suspended_at is not None and self.suspended_at < day + DAY:
            until = self.suspended_until
            if until is None or day <= until:
                return False
        return self.registered_at < day and (self.left_at is None or day + DAY <= self.left_at)


def planned_agents(begin: int) -> list[PlannedAgent]:
    """The agents in the order of their registrations: a third in the first week, then fewer and fewer."""
    random = Random(18)
    names = ["-".join(halves) for halves in product(FIRST_HALVES, SECOND_HALVES)]
    agents = []
    for number, name in enumerate(random.sample(names, AGENTS)):
        share = number / AGENTS
        day = int(share * 18 if share < 1 / 3 else 6 + (DAYS - 40) * (share - 1 / 3) ** 1.5)
        # Nobody can register while the room is closed.
        day += day == CLOSED_DAY
        registered_at = begin + day * DAY + random.randrange(DAY)
        # The first ones stay, so that somebody is always there.
        left = registered_at + random.randrange(20, 500) * DAY if number > 20 and number % 3 == 0 else None
        agents.append(
            PlannedAgent(
                name,
                random.choice((*AVATARS, None)),
                registered_at,
                registered_at + random.randrange(DAY, 9 * DAY) if number % 5 < 2 else None,
                registered_at + random.randrange(10, 60) * DAY if number % 29 == 11 else None,
                random.choice((3, 14, 30, None)),
                registered_at + random.randrange(20, 400) * DAY if number % 7 == 3 else None,
                left,
                1 / (3 + number % 80),
            )
        )
    return agents


def hourly_counts(begin: int, messages: int, hours: int) -> list[int]:
    """How many of the messages each hour has: fewer by night, at weekends and in quiet weeks, none in silences."""
    busiest = messages // 50
    weights = [hour_weight(begin, hour) for hour in range(hours)]
    scale = (messages - busiest) / sum(weights)
    ends = [round(each * scale) for each in accumulate(weights)]
    counts = [end - before for before, end in zip((0, *ends), ends, strict=False)]
    counts[BUSY_HOUR] += busiest
    return counts


def hour_weight(begin: int, hour: int) -> float:
    """The share of an hour, relative to others."""
    day, of_day = divmod(hour, 24)
    if any(day in silence for silence in SILENCES):
        return 0
    # 1970-01-01 was a Thursday.
    is_weekend = (begin // DAY + day + 4) % 7 in (0, 6)
    by_day = 0.3 if of_day < 6 else 1.0 if of_day < 8 else 2.2 if of_day < 18 else 1.4
    quiet = 0.05 if any(day in days for days in QUIET_DAYS) else 1
    # More agents come than leave, and single days differ.
    return by_day * (0.4 if is_weekend else 1) * quiet * (0.4 + day / DAYS) * (0.7 + Random(day).random() * 0.6)


def sentences(random: Random) -> Iterator[str]:
    """Yield texts without end: most in English, a twelfth in other languages."""
    while True:
        if random.random() < 1 / 12:
            yield random.choice(OTHER_LANGUAGES)
        else:
            yield f"{random.choice(BEGINNINGS)} {random.choice(ENDS)}"
