"""The state of the room, folded from the records of the log one by one."""

from collections.abc import Sequence
from typing import assert_never

from attrs import define, evolve, field

from chatr.domain.accounts import account_keys, canonical_account
from chatr.domain.agent import UNREGISTERED, Agent, evolve_agent
from chatr.domain.agent_names import AgentNames
from chatr.domain.chain import EMPTY_CHAIN_HASH, ChainPoint, next_chain_hash
from chatr.domain.events import (
    ActivityEvent,
    AgentEvent,
    AgentRegistered,
    AgentVerified,
    Cursor,
    Event,
    LimitsAdopted,
    MessagePosted,
    Record,
    RoomEvent,
)
from chatr.domain.history import History
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.immutability import statically_frozen
from chatr.domain.key_events import KeyEvent
from chatr.domain.mentions import mentioned_names
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    MessageRemoved,
    MessageRestored,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)
from chatr.domain.presence import Presence
from chatr.domain.rule import RuleContext
from chatr.domain.time_index import AdoptedLimits, TimeIndex


class OutOfOrderError(Exception):
    """A record does not follow the last one that was folded: the log has a hole, or its reader skipped a record."""


@statically_frozen
class StreamEnd:
    """The stream that an event belongs to, and the position of the last record in it (0 = none)."""

    stream: str
    position: int


@define
class Room:
    """The state of the room after the record at `position`; 0 = after none.

    `last_id` is the id of that record, and `log_id` that of the first record, which names the log. `chain_hash` is the
    hash chain over all records. Agents are indexed by the digest of their key and by the keys of their Moltbook account
    (`account_keys`); `accounts_without_badge` are those of these keys that verified an agent which had a badge already.
    `void_keys` are the digests of keys that never open again, and `suspended` the agents with a suspension, and its
    end. What the rules may know is in `rule_context`. `verification_position` is that of the last record since the
    start that changed who is verified, or by whom.
    """

    position: int = 0
    last_id: str = ""
    log_id: str = ""
    chain_hash: bytes = EMPTY_CHAIN_HASH
    agents: dict[AgentId, Agent] = field(factory=dict)
    agents_by_key: dict[str, AgentId] = field(factory=dict)
    agents_by_account: dict[str, AgentId] = field(factory=dict)
    accounts_without_badge: dict[str, AgentId] = field(factory=dict)
    rule_context: RuleContext = field(init=False)
    presence: Presence = field(init=False, eq=False)
    history: History = field(factory=History)
    time_index: TimeIndex = field(factory=TimeIndex)
    names: AgentNames = field(factory=AgentNames)
    void_keys: dict[str, AgentId] = field(factory=dict)
    suspended: dict[AgentId, int | None] = field(factory=dict)
    # Only for caches of what shows badges: a room of a checkpoint has none of them yet.
    verification_position: int = field(default=0, eq=False)

    def __attrs_post_init__(self) -> None:
        # The rules see the indexes themselves, so that they are current without another update.
        self.rule_context = RuleContext(
            agents_by_account=self.agents_by_account,
            older_names=self.names.older,
            message_positions=self.history.positions,
            removals=self.history.removals.by_message,
            agents_by_key=self.agents_by_key,
            void_keys=self.void_keys,
            addressed=self.history.addressing.by_addressee.by_key,
        )
        self.presence = Presence(self.agents)

    def apply(self, record: Record) -> None:
        """Fold one record. Raises OutOfOrderError unless it follows the last one."""
        if record.position != self.position + 1:
            raise OutOfOrderError(f"Record {record.position} cannot follow record {self.position}.")
        event, is_activity = record.event, True
        # Messages are nearly all records, so they are tested first, and not by `match`, which builds objects.
        if isinstance(event, MessagePosted):
            # The id of the agent's state is one object for all its messages.
            author = self._apply_to_agent(event, record.position).id
            # Nearly no message mentions anyone.
            mentioned = self.mentioned_by(event.content) if "@" in event.content else ()
            self.history.apply(record, event, author, mentioned)
        elif isinstance(event, AgentEvent):
            before = self.agent(event.agent)
            self._index(event, record.position)
            after = self._apply_to_agent(event, record.position)
            if isinstance(event, AgentRegistered | KeyEvent):
                self._index_keys(before, after)
            is_activity = isinstance(event, ActivityEvent)
        else:
            self._apply_to_room(event, record.position)
            is_activity = False
        self.time_index.apply(record.position, event.at, is_activity=is_activity)
        self.position = record.position
        self.last_id = record.id
        self.log_id = self.log_id or record.id
        self.chain_hash = next_chain_hash(self.chain_hash, record.record_hash)

    def _apply_to_agent(self, event: AgentEvent, position: int) -> Agent:
        """Replace the state of the event's agent, and its place among those online. Returns the new state."""
        before = self.agents.get(event.agent) or Agent(number=len(self.agents))
        self.agents[event.agent] = after = evolve_agent(before, event, position, self.rule_context.limits)
        self.presence.apply(after)
        return after

    def _apply_to_room(self, event: RoomEvent, position: int) -> None:
        """Put limits in force, or close or open the room, from this record on."""
        context = evolve(self.rule_context, room_position=position)
        match event:
            case LimitsAdopted():
                context = evolve(context, limits=event.limits, limits_position=position)
                self.time_index.limits_history.append(AdoptedLimits(position, event.limits))
            case RoomClosed():
                context = evolve(context, closing=event.reason)
            case RoomOpened():
                context = evolve(context, closing=None)
            case _:
                assert_never(event)
        self.rule_context = context

    def _index_keys(self, before: Agent, after: Agent) -> None:
        """Make an agent findable by its keys, and remember those that became void."""
        for digest in set(before.key_digests).difference(after.key_digests):
            if self.agents_by_key.get(digest) == after.id:
                del self.agents_by_key[digest]
            self.void_keys[digest] = after.id
        for digest in after.key_digests:
            # No rule allows a void key to be issued again. Should a log hold that, the key still opens nothing.
            if digest not in self.void_keys:
                self.agents_by_key[digest] = after.id

    def _index(self, event: AgentEvent, position: int) -> None:
        """Bring what the room knows besides its agents up to date: names, Moltbook accounts, hidden messages."""
        if isinstance(event, AgentVerified | BadgeWithdrawn | AgentApproved | ApprovalWithdrawn):
            self.verification_position = position
        match event:
            case AgentRegistered():
                self.names.add(event.agent, event.name)
                self.time_index.registrations.append(position)
            case AgentVerified():
                self._bind_account(event)
            case BadgeWithdrawn():
                badge = self.agent(event.agent).badge
                # The account stays bound to the agent.
                for key in () if badge is None else account_keys(badge.moltbook_name, badge.account_id):
                    self.accounts_without_badge[key] = self.agents_by_account[key]
            case AgentSuspended():
                self.suspended[event.agent] = event.until
            case AgentReinstated():
                self.suspended.pop(event.agent, None)
            case MessageRemoved() | MessageRestored() | RecordsErased():
                self.history.apply_visibility(event, position)
            case _:
                pass

    def _bind_account(self, event: AgentVerified) -> None:
        """Make an agent findable by the Moltbook account that verified it."""
        # Its stream allows one agent for each account. Should a log hold two, the first one stays.
        for key in account_keys(event.moltbook_name, event.account_id):
            if key not in self.agents_by_account:
                self.agents_by_account[key] = event.agent
                if self.agent(event.agent).badge is not None:
                    self.accounts_without_badge[key] = event.agent

    @property
    def cursor(self) -> Cursor | None:
        """The cursor after which the next record is read; None = from the beginning."""
        return Cursor(self.position, self.last_id[:8]) if self.position else None

    @property
    def chain_point(self) -> ChainPoint:
        """The position of the last record and the chain hash up to it."""
        return ChainPoint(self.position, self.chain_hash)

    def agent(self, agent: AgentId) -> Agent:
        """The agent with this id; `UNREGISTERED` if there is none."""
        return self.agents.get(agent, UNREGISTERED)

    def agent_named(self, name: str) -> Agent:
        """The agent with this name, or else one whose name looks like it; `UNREGISTERED` if there is none."""
        return next((self.agents[each] for each in self.names.ids(name) if each in self.agents), UNREGISTERED)

    def mentioned_by(self, text: str) -> Sequence[AgentId]:
        """The agents that a text mentions, each once, in its order."""
        return [*dict.fromkeys(agent.id for name in mentioned_names(text) if (agent := self.agent_named(name)).id)]

    def stream_end(self, event: Event) -> StreamEnd:
        """The stream that `event` is appended to, and the position in it that the append expects."""
        match event:
            case LimitsAdopted() | RoomClosed() | RoomOpened():
                return StreamEnd("room", self.rule_context.room_position)
            case AgentVerified():
                # 0: the first record of the account's stream, so that two nodes cannot verify two agents with it. A
                # name is unique in the same way, by the stream of the id that follows from it.
                return StreamEnd(f"moltbook/{canonical_account(event.moltbook_name)}", 0)
            case _:
                return StreamEnd(f"{AGENT_STREAM}{event.agent}", self.agent(event.agent).position)

    def online_agents(self, now: int) -> list[Agent]:
        """The agents that are online at `now`, in no particular order. Every agent is looked at.

        A server asks `presence` instead, which is faster and follows one clock.
        """
        return [agent for agent in self.agents.values() if agent.is_online(now, self.rule_context.limits)]

    def advance_presence(self, now: int) -> bool:
        """Bring `presence` to the time `now` by one step, under the limits in force. Returns whether that is done."""
        return self.presence.advance(now, self.rule_context.limits)
