"""The room: everything that is known of it, folded from its records one by one."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final, assert_never

from attrs import define, evolve, field

from chatr.domain.activity import Activity
from chatr.domain.agent import STRANGER, Agent
from chatr.domain.agent import evolve as evolve_agent
from chatr.domain.chronicle import Adopted, Chronicle
from chatr.domain.events import (
    AgentId,
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Cursor,
    Event,
    LimitsAdopted,
    MessagePosted,
    Record,
    VerificationStarted,
    account,
)
from chatr.domain.history import History
from chatr.domain.limits import MINUTE
from chatr.domain.presence import Presence
from chatr.domain.rule import House


class OutOfOrderError(Exception):
    """A record does not follow the last one: the log has a hole, or its reader has."""


NO_HEAD: Final = bytes(32)
"""The head of a log without records."""


def head_after(head: bytes, check: bytes) -> bytes:
    """The head of the log once the record with this check has followed."""
    return sha256(head + check).digest()


@define
class Room:
    """`head` is the digest over all records so far: whoever kept it can check any later log against it."""

    position: int = 0
    last_id: str = ""
    log_id: str = ""
    head: bytes = NO_HEAD
    agents: dict[AgentId, Agent] = field(factory=dict)
    keys: dict[str, AgentId] = field(factory=dict)
    accounts: dict[str, AgentId] = field(factory=dict)
    house: House = field(init=False)
    presence: Presence = field(factory=Presence)
    history: History = field(factory=History)
    activity: Activity = field(factory=Activity)
    chronicle: Chronicle = field(factory=Chronicle)

    def __attrs_post_init__(self) -> None:
        self.house = House(accounts=self.accounts)

    def apply(self, record: Record) -> None:
        """The one way in which the room changes. Nearly every record is a post, and `match` asks slowly."""
        if record.position != self.position + 1:
            raise OutOfOrderError(f"Record {record.position} cannot follow record {self.position}.")
        event = record.event
        if isinstance(event, MessagePosted):
            self.history.apply(record)
            self.activity.apply(event.at)
        else:
            self._apply_to_house(event, record.position)
        if not isinstance(event, LimitsAdopted):
            before = self.agents.get(event.agent, STRANGER)
            self.agents[event.agent] = after = evolve_agent(before, record, self.house.limits)
            self.presence.apply(before, after)
        self.chronicle.apply(record.position, event.at)
        self.position = record.position
        self.last_id = record.id
        self.log_id = self.log_id or record.id
        self.head = head_after(self.head, record.check)

    def _apply_to_house(self, event: Event, position: int) -> None:
        match event:
            case AgentRegistered():
                self.keys[event.key_digest] = event.agent
                self.chronicle.registered.append(position)
            case AgentVerified():
                self.accounts.setdefault(account(event.moltbook_name), event.agent)
            case LimitsAdopted():
                self.house = evolve(self.house, limits=event.limits, adopted=position)
                self.chronicle.adopted.append(Adopted(position, event.limits))
            case MessagePosted() | AgentSeen() | AgentLeft() | VerificationStarted():
                pass
            case _:
                assert_never(event)

    @property
    def cursor(self) -> Cursor | None:
        """Where the next record is read; None = from the beginning."""
        return Cursor(self.position, self.last_id[:8]) if self.position else None

    def agent(self, agent: AgentId) -> Agent:
        return self.agents.get(agent, STRANGER)

    def expected(self, event: Event) -> int:
        """The position of the last record in the event's stream."""
        match event:
            case LimitsAdopted():
                return self.house.adopted
            case AgentVerified():
                return 0
            case _:
                return self.agent(event.agent).position

    def online(self, now: int) -> list[Agent]:
        return [agent for agent in self._near(now) if agent.online(now, self.house.limits)]

    def online_count(self, now: int) -> int:
        limits = self.house.limits
        return self.presence.count(now, limits.reach, lambda agent: self.agents[agent].online(now, limits))

    def online_until(self, now: int) -> int:
        """From `now` to this moment nobody comes or goes by the clock alone."""
        reach = self.house.limits.reach
        beyond = ((now + reach) // MINUTE + 1) * MINUTE
        seen = (beyond, *(agent.last_seen for agent in self._near(now)))
        return min(moment for at in seen for moment in (at - reach + 1, at + reach) if moment > now)

    def _near(self, now: int) -> Iterator[Agent]:
        return map(self.agent, self.presence.near(now, self.house.limits.reach))
