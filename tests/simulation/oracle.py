"""A test oracle: it computes from the stored records what nodes may store, respond and stream, and reports differences.

The codec and `Room` are those of chatr; other tests check these.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from attrs import define, field

from chatr.codec import EVENT_TYPES, decode
from chatr.domain.events import AgentRegistered, LimitsAdopted, MessagePosted, Record
from chatr.domain.limits import SECOND
from chatr.domain.moderation_events import MessageRemoved, RecordsErased
from chatr.node.node import Node
from chatr.ports import Clock, Stored
from chatr.wire import REMOVED_CONTENT
from tests.simulation.branch import Branch, StoredMessage, plain
from tests.simulation.check_ins import CheckIns
from tests.simulation.network import Response
from tests.simulation.visibility import Visibility

LONGEST_REQUEST: Final = 30 * SECOND
"""Milliseconds from a request to the commit of its record at most: agents give up a request after that time."""


@define(eq=False)
class IntendedMessage:
    """A message that an agent wants to post once, possibly by several requests.

    `pending`: requests without a response. `may_be_stored`: a response was lost or in doubt. `must_not_be_stored`: it
    was rejected. `reply_to`: the message that it answers. `acknowledged_at`: the position in the response.
    `key_digests`: the API keys with which it was sent.
    """

    agent: str
    content: str
    key: str | None
    reply_to: int | None = None
    pending: int = 0
    may_be_stored: bool = False
    must_not_be_stored: bool = False
    acknowledged_at: int | None = None
    key_digests: set[str] = field(factory=set)


@define(eq=False)
class Oracle:
    """The test oracle. `report` is called with a sentence for everything that is wrong.

    `store_clock` is that of a store that brings one, and is never set.
    `generation` counts how often the log was restored.
    """

    report: Callable[[str], None]
    store_clock: Clock | None = None
    branch: Branch = field(init=False)
    visibility: Visibility = field(init=False)
    check_ins: CheckIns = field(init=False)
    generation: int = 0
    had_unknown_type: bool = False
    messages: dict[str, StoredMessage] = field(factory=dict)
    """By cursor, of all branches."""
    chain_hashes: dict[str, int] = field(factory=dict)
    """The positions of all branches, by chain hash."""
    intended: dict[str, IntendedMessage] = field(factory=dict)
    """By content."""

    def __attrs_post_init__(self) -> None:
        self.branch = Branch(self.report)
        self.visibility = Visibility(self.report, self.messages)
        self.check_ins = CheckIns(self.report, self.visibility.hidden_once)

    def log_restored(self, records: Sequence[Stored], without_text: Iterable[int]) -> None:
        """The log was replaced by these records, of which those at `without_text` had been erased before."""
        self.generation += 1
        self.visibility.log_restored(self.branch, len(records))
        self.check_ins.log_restored(len(records))
        once_erased = {position for position in (*self.branch.once_erased, *without_text) if position <= len(records)}
        self.branch = Branch(self.report, once_erased)
        for message in self.intended.values():
            was_acknowledged = message.acknowledged_at is not None
            message.acknowledged_at, message.may_be_stored = None, message.may_be_stored or was_acknowledged
        for each in records:
            self._fold(each)

    def record_stored(self, stored: Stored) -> None:
        """Check a new record."""
        record = self._fold(stored)
        if record is not None and isinstance(record.event, MessagePosted):
            self._check_time(record.event)
            message = self.intended[record.event.content]
            if message.must_not_be_stored:
                self.report(f"{message.content} was rejected, and is stored at {record.position}")

    def _fold(self, stored: Stored) -> Record | None:
        branch = self.branch
        if stored.type not in EVENT_TYPES:
            branch.unreadable_at, self.had_unknown_type = stored.position, True
        if branch.unreadable_at is not None:
            return None
        record = decode(stored)
        match record.event:
            case MessagePosted():
                self._check_post(record, record.event)
            case AgentRegistered(agent=agent, at=at, request=request):
                if agent in branch.requests:
                    self.report(f"{agent} is registered twice")
                branch.requests[agent] = at, request
                branch.agents_by_name[plain(record.event.name)] = agent
            case LimitsAdopted(limits=limits):
                branch.limits.append((record.position, limits))
        branch.apply(record)
        if isinstance(record.event, MessageRemoved):
            self.visibility.hidden_once.add(branch.by_position[record.event.position].cursor)
        elif isinstance(record.event, RecordsErased):
            self._forget(record.event)
        self.chain_hashes[branch.room.chain_hash.hex()] = record.position
        return record

    def _forget(self, event: RecordsErased) -> None:
        """Whoever repeats a message that was erased may store it again, as a node may not know its key any more."""
        for each in event.records:
            message = self.branch.forget(each.position)
            self.visibility.hidden_once.add(message.cursor)
            intended = self.intended[message.content]
            intended.may_be_stored = True
            if intended.acknowledged_at == each.position:
                intended.acknowledged_at = None

    def _check_post(self, record: Record, event: MessagePosted) -> None:
        """A message is stored once, with the key that its agent gave it, and not too soon."""
        branch, agent, content = self.branch, event.agent, event.content
        self._check_rate(record, event)
        if content in branch.contents:
            self.report(f"{content} is stored at {branch.contents[content]} and at {record.position}")
        if event.idempotency_key is not None:
            if (agent, event.idempotency_key) in branch.keys:
                self.report(f"key {event.idempotency_key} belongs to two messages")
            branch.keys[agent, event.idempotency_key] = record.position
        intended = self.intended.get(content)
        if intended is None or (intended.key, intended.reply_to) != (event.idempotency_key, event.reply_to):
            self.report(f"nobody posted {content} with key {event.idempotency_key} as a reply to {event.reply_to}")
        elif not any(branch.open_keys.opens(digest, event.at) for digest in self.intended[content].key_digests):
            self.report(f"{content} is stored at {record.position}, and no key with which it was sent is open then")
        before = branch.messages[-1].cursor if branch.messages else ""
        number, addressees = len(branch.messages) + 1, branch.addressees(event)
        message = StoredMessage(str(record.cursor), number, before, agent, content, record.position, addressees)
        branch.contents[content] = record.position
        branch.messages.append(message)
        branch.by_position[record.position] = message
        self.messages[message.cursor] = message

    def _check_rate(self, record: Record, event: MessagePosted) -> None:
        """The agent's N-th last message must be a whole window away, by the limits that the deciding node had read."""
        branch, times = self.branch, self.branch.post_times[event.agent]
        seen = record.decided_at_position
        limits, verified = branch.limits_at(seen), branch.moderation.is_verified(event.agent, seen)
        rate = limits.verified if verified else limits.unverified
        if len(times) >= rate.count and abs(event.at - times[-rate.count]) < rate.window:
            self.report(f"{event.content} came too soon for {rate}: {times[-rate.count :]}, {event.at}")
        # The same in plain words: no window holds more than N accepted posts, if all are timed by one clock.
        at, ordered = event.at, sorted([*times[-2 * rate.count :], event.at])
        spans = zip(ordered, ordered[rate.count :], strict=False)
        if self.store_clock is not None and any(first <= at <= last < first + rate.window for first, last in spans):
            self.report(f"{event.content} is one too many in a window of {rate}: {times[-4:]}, {at}")
        times.append(event.at)

    def _check_time(self, event: MessagePosted) -> None:
        """A message that was just stored has a time of the store's clock, if the store brings one."""
        now = self.store_clock.now() if self.store_clock else event.at
        if not now - LONGEST_REQUEST <= event.at <= now:
            self.report(f"{event.content} was decided at {event.at}, and the store's clock shows {now}")

    def generation_of(self, node: Node | None) -> int | None:
        """The generation of the log that a node has folded; None if it is an older one, or there is no node."""
        return self.generation if node and node.room.chain_hash.hex() in self.branch.chain_hashes else None

    def request_sent(self, message: IntendedMessage, key_digest: str, node: Node | None) -> int | None:
        """An agent with this key asks a node to store its message. Returns the node's generation."""
        message.key_digests.add(key_digest)
        message.pending += 1
        message.must_not_be_stored = False
        return self.generation_of(node)

    def response_received(
        self, message: IntendedMessage, response: Response | None, generation: int | None, began: int, ended: int
    ) -> None:
        """Check the response to a post. The node had folded `generation` when it was asked. Its clock went from
        `began` to `ended` meanwhile, in milliseconds.
        """
        message.pending -= 1
        if response is None or response.code == "outcome_unknown":
            message.may_be_stored = True
        elif response.status == 200:
            self._check_acknowledgement(message, response.json["message"], generation)
        elif not message.may_be_stored and not message.pending and message.acknowledged_at is None:
            message.must_not_be_stored = True
            if message.content in self.branch.contents:
                self.report(f"{message.content} was rejected with {response.code}, and is stored")
        if response is not None and response.code == "message_rate_limited" and generation == self.generation:
            self._check_rate_limited(message, began, ended)

    def _check_rate_limited(self, message: IntendedMessage, began: int, ended: int) -> None:
        """A post may be rate limited only if the agent's earlier posts fill a window; the node may not have folded the
        last ones.
        """
        times = self.branch.post_times[message.agent]
        rates = {rate for _, limits in self.branch.limits for rate in (limits.verified, limits.unverified)}
        # The node may have folded all of the agent's posts or only the first ones: each of these may be its N-th last.
        last = [(time, rate.window) for rate in rates for time in times[: max(0, len(times) + 1 - rate.count)]]
        # If the clock stepped back meanwhile, `began` and `ended` do not enclose the moment of the decision.
        if began <= ended and not any(began - window < time < ended + window for time, window in last):
            self.report(f"{message.content} was rate limited at {began} for no reason: {times[-4:]}")

    def _check_acknowledgement(self, message: IntendedMessage, acknowledged: Any, generation: int | None) -> None:
        """An acknowledged message must be stored at the position in the response."""
        position = int(acknowledged["id"])
        if generation != self.generation:
            # Acknowledged in a log that was replaced: the restored copy may lack the message.
            message.may_be_stored = True
            return
        if position in self.branch.moderation.erased:
            return
        if self.branch.contents.get(message.content) != position:
            self.report(f"{message.content} was acknowledged as {position} and is not stored there")
        content = REMOVED_CONTENT if acknowledged.get("removed") else message.content
        if (acknowledged["content"], acknowledged["agentId"]) != (content, message.agent):
            self.report(f"{message.content} was acknowledged with {acknowledged}")
        if message.acknowledged_at not in (None, position):
            self.report(f"{message.content} was acknowledged as {message.acknowledged_at} and as {position}")
        message.acknowledged_at = position

    def check_erased(self, position: int) -> None:
        """A text is erased only after a record says so."""
        if position not in self.branch.moderation.erased:
            self.report(f"the text of {position} is erased, and no record of this log says so")

    def is_caught_up(self, node: Node | None) -> bool:
        """Whether a node has folded the whole log."""
        return node is not None and node.room.chain_hash == self.branch.room.chain_hash

    def may_reset(self, cursor: str, node: Node | None) -> bool:
        """Whether a node may be unable to resume from a cursor: of another branch, or not folded yet."""
        message = self.messages[cursor]
        behind = node is None or node.room.position < message.position
        # After a restore a node may still follow the old branch, or read the new one: any reset is allowed.
        return bool(self.generation) or behind
