"""The events of the large room, in the order of time. large_room.py writes them into a log."""

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import accumulate, count
from random import Random
from typing import Final

from chatr.domain.events import (
    ActivityEvent,
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
    VerificationStarted,
)
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.key_events import KeyActivated, KeyIssued
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY, HOUR, MINUTE, SECOND, Limit, Limits
from chatr.domain.moderation_events import (
    AgentReinstated,
    AgentSuspended,
    ErasedRecord,
    MessageRemoved,
    MessageRestored,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)
from chatr.ports import Stored
from chatr.testing.secrets import code
from tests.browser.agent_client import key_of
from tests.browser.large_room_plan import (
    BUSY_HOUR,
    CLOCK_STEP_HOUR,
    CLOSED_DAY,
    DAY,
    DAYS,
    REASONS,
    PlannedAgent,
    hourly_counts,
    planned_agents,
    sentences,
)

SEEN_EVERY: Final = 5 * MINUTE
LIMITS: Final = Limits(
    Limit(60, MINUTE), Limit(30, MINUTE), seen_every=SEEN_EVERY, leaving=Limit(12, HOUR), verifying=Limit(10, HOUR)
)
RARE_WORD: Final = "ptarmigan"
"""A word that three messages have: after a fifth, a half and four fifths of all."""
CLOCK_STEP: Final = 40 * MINUTE
OPERATOR: Final = "grace"
HOST: Final = "chatr.example.org"
AUTOMATIC_FROM: Final = 0.3
"""Agents that post more than this are programs, whose messages are marked as automatic."""
Append = Callable[[Event], Stored]
"""Appends an event to the log and returns its record."""


class LargeRoom:
    """Appends the events of the room in the order of time. It begins `DAYS` days before `end`, at midnight."""

    def __init__(self, append: Append, messages: int, end: int) -> None:
        self._append_to_log = append
        self._position = 0
        self._begin = end // DAY * DAY - (DAYS - 1) * DAY
        self._end = end
        self._agents = planned_agents(self._begin)
        self._counts = hourly_counts(self._begin, messages, -((self._begin - end) // HOUR))
        self._random = Random(19)
        self._text = sentences(Random(20))
        self._rare_in = {messages // 5, messages // 2, messages * 4 // 5}
        self._posted = 0
        self._newest: deque[tuple[int, PlannedAgent]] = deque(maxlen=40)
        self._last_seen: dict[AgentId, int] = {}
        self._away: set[AgentId] = set()
        # What happens at a time that is known before. Numbered, because events have no order.
        self._numbers = count()
        self._planned: list[tuple[int, int, Event]] = []
        self._to_erase: list[Stored] = []
        for event in events_of_operator(self._begin):
            self._plan(event)
        for agent in self._agents:
            for event in events_of_agent(agent):
                self._plan(event)

    def write(self) -> list[int]:
        """Append everything, and return the positions of the messages whose texts are to be erased."""
        self._append(LimitsAdopted(LIMITS, self._begin))
        active, weights, erased = list[PlannedAgent](), list[float](), list[int]()
        for hour, messages in enumerate(self._counts):
            day = self._begin + hour // 24 * DAY
            if hour % 24 == 0:
                active = [agent for agent in self._agents if agent.posts_on(day)]
                weights = list(accumulate(agent.weight for agent in active))
                erased += self._erase_some(day)
            if messages and active:
                self._write_hour(hour, self._random.choices(active, cum_weights=weights, k=messages))
        self._append_planned(self._end)
        return erased

    def _write_hour(self, hour: int, authors: list[PlannedAgent]) -> None:
        """Append a message of each author, at random times of the hour; some other agent is seen, or disconnects."""
        begin = self._begin + hour * HOUR
        last = min(HOUR, self._end - 35 * SECOND - begin)
        times = sorted(begin + int(self._random.random() * last) for _ in authors)
        topic = None
        for number, (at, author) in enumerate(zip(times, authors, strict=True)):
            self._append_planned(at)
            stepped_back = hour == CLOCK_STEP_HOUR and number > len(authors) // 2
            self._post(author, at - CLOCK_STEP if stepped_back else at, topic)
            if hour == BUSY_HOUR and topic is None:
                topic = self._position
        if hour != CLOCK_STEP_HOUR:
            self._see_or_leave(authors, begin + HOUR - 1)

    def _post(self, author: PlannedAgent, at: int, topic: int | None) -> None:
        """Append a message. A third of the later ones of the busy hour reply to its first message, the `topic`."""
        chance, reply_to, other = self._random.random(), None, author
        if topic and chance < 1 / 3:
            reply_to = topic
        elif chance < 1 / 4 and self._newest:
            newest = -1 if chance < 1 / 8 else int(self._random.random() * len(self._newest))
            reply_to, other = self._newest[newest]
        self._posted += 1
        content = f"{next(self._text)}{self._addition(author, at, reply_to)}"
        if reply_to and other is not author and chance < 1 / 16:
            content = f"@{other.name} {content}"
        if self._posted in self._rare_in:
            content = f"Saw a {RARE_WORD} today. {content}"
        key = f"key-{self._posted}" if chance > 0.98 else None
        salt = f"{self._random.getrandbits(64):016x}"
        event = MessagePosted(author.id, content, key, at, salt, reply_to, author.weight > AUTOMATIC_FROM)
        stored = self._append(event)
        self._newest.append((stored.position, author))
        self._note_activity(event)
        if self._random.random() < 1 / 2_000:
            self._moderate(author, stored)

    def _addition(self, author: PlannedAgent, at: int, reply_to: int | None) -> str:
        """Return what is added to a text: an id, a link if the author has a badge, a number, a line, or nothing."""
        chance = self._random.random()
        if chance < 0.03:
            return f" As in #{reply_to or self._position}."
        if chance < 0.06 and author.verified_at and author.verified_at < at:
            return f" https://example.org/notes/{self._posted}"
        if chance < 0.12:
            return f" (run {self._posted})"
        return f"\n{next(self._text)}" if chance < 0.13 else ""

    def _moderate(self, author: PlannedAgent, message: Stored) -> None:
        """Plan that a message is removed within two days; some are shown again, and some are erased."""
        at, reason = message.at + self._random.randrange(MINUTE, 2 * DAY), self._random.choice(REASONS)
        self._plan(MessageRemoved(author.id, message.position, reason, OPERATOR, at))
        match self._random.randrange(10):
            case 0:
                self._plan(MessageRestored(author.id, message.position, OPERATOR, at + HOUR))
            case 1:
                self._to_erase.append(message)

    def _erase_some(self, day: int) -> list[int]:
        """Plan the erasure, at `day`, of messages that are older than three days, and return their positions."""
        old = [each for each in self._to_erase if each.at < day - 3 * DAY]
        for each in old:
            agent = AgentId(each.stream.removeprefix(AGENT_STREAM))
            self._plan(
                RecordsErased(agent, (ErasedRecord(each.position, each.rest_hash.hex()),), REASONS[1], OPERATOR, day)
            )
            self._to_erase.remove(each)
        return [each.position for each in old]

    def _see_or_leave(self, authors: list[PlannedAgent], at: int) -> None:
        """Plan an event in one hour of four: an agent disconnects at `at`, or is seen then."""
        chance = self._random.random()
        if chance < 1 / 8:
            self._plan(AgentLeft(authors[0].id, at))
        elif chance > 7 / 8:
            self._plan(AgentSeen(authors[0].id, at))

    def _append(self, event: Event) -> Stored:
        stored = self._append_to_log(event)
        self._position = stored.position
        return stored

    def _plan(self, event: Event) -> None:
        heappush(self._planned, (event.at, next(self._numbers), event))

    def _append_planned(self, until: int) -> None:
        """Append what was planned for a time before `until` and still changes something."""
        while self._planned and self._planned[0][0] < until:
            event = heappop(self._planned)[2]
            if isinstance(event, ActivityEvent):
                if isinstance(event, AgentLeft) and event.agent in self._away:
                    continue
                if isinstance(event, AgentSeen) and event.at < self._last_seen[event.agent] + SEEN_EVERY:
                    continue
                self._note_activity(event)
            elif isinstance(event, AgentSuspended):
                self._away.add(event.agent)
            self._append(event)

    def _note_activity(self, event: ActivityEvent) -> None:
        self._last_seen[event.agent] = event.at
        # An agent is online from the first record after its registration.
        if isinstance(event, AgentLeft | AgentRegistered):
            self._away.add(event.agent)
        else:
            self._away.discard(event.agent)


def events_of_operator(begin: int) -> Iterator[Event]:
    """Yield that the room is closed for six hours of a day without messages."""
    at = begin + CLOSED_DAY * DAY + 9 * HOUR
    yield RoomClosed("The server moves.", OPERATOR, at)
    yield RoomOpened(OPERATOR, at + 6 * HOUR)


def events_of_agent(agent: PlannedAgent) -> Iterator[Event]:
    """Yield what happens to an agent besides its messages, in any order."""
    begin, account = agent.registered_at, agent.name.replace("-", "_")
    yield AgentRegistered(agent.id, agent.name, agent.avatar, hash_key(key_of(agent.name)), begin)
    if at := agent.verified_at:
        number = begin % 10**6
        yield VerificationStarted(agent.id, account, code(number), at - HOUR + CODE_VALIDITY, at - HOUR, HOST)
        yield AgentVerified(agent.id, account, f"human_of_{account}", f"post-{number}", at, f"account-{account}")
    if at := agent.suspended_at:
        yield AgentSuspended(agent.id, agent.suspended_until, REASONS[0], OPERATOR, at)
        if agent.suspended_until and agent.suspended_days == 30:
            yield AgentReinstated(agent.id, OPERATOR, at + 10 * DAY)
    if at := agent.new_key_at:
        digest = hash_key(key_of(f"{agent.name}2"))
        yield KeyIssued(agent.id, digest, 0, None, at)
        yield KeyActivated(agent.id, digest, at + MINUTE)
    if at := agent.left_at:
        yield AgentLeft(agent.id, at)
