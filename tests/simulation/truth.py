"""What is true of the log, worked out the plain way beside it, and what must therefore be true of all that is told."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field, frozen

from chatr.codec import TYPES, decode
from chatr.domain.events import AgentRegistered, AgentVerified, LimitsAdopted, MessagePosted, Record
from chatr.domain.limits import Limits
from chatr.domain.room import NO_HEAD, Room
from chatr.node import Node
from chatr.ports import Stored
from tests.simulation.network import Answer


@frozen
class Said:
    """A message in the log: the `number`-th of its branch, after the one at `before`."""

    cursor: str
    number: int
    before: str
    agent: str
    content: str
    position: int


@define(eq=False)
class Saying:
    """What an agent wants to say, once. It is `doubtful` once it may have been stored, and `barred` while it must not
    be; `flying` are the requests that have no answer yet, `told` is where it is said to stand.
    """

    agent: str
    content: str
    key: str | None
    flying: int = 0
    doubtful: bool = False
    barred: bool = False
    told: int | None = None


@define(eq=False)
class Branch:
    """What follows from one log."""

    room: Room = field(factory=Room)
    heads: set[str] = field(factory=lambda: {NO_HEAD.hex()})
    messages: list[Said] = field(factory=list)
    contents: dict[str, int] = field(factory=dict)
    keys: set[tuple[str, str]] = field(factory=set)
    posts: defaultdict[str, list[int]] = field(factory=lambda: defaultdict(list))
    verified: dict[str, int] = field(factory=dict)
    registered: dict[str, str] = field(factory=dict)
    limits: list[tuple[int, Limits]] = field(factory=list)
    unreadable: int | None = None


@define(eq=False)
class Truth:
    """`wrong` is told every sentence that should not be true; nodes keep the last `kept` messages whole. A log that was
    restored is another branch of the past.
    """

    wrong: Callable[[str], None]
    kept: int
    branch: Branch = field(factory=Branch)
    generation: int = 0
    danced: bool = False
    said: dict[str, Said] = field(factory=dict)
    heads: dict[str, int] = field(factory=dict)
    sayings: dict[str, Saying] = field(factory=dict)

    def restored(self, records: Sequence[Stored]) -> None:
        self.generation += 1
        self.branch = Branch()
        for saying in self.sayings.values():
            saying.told, saying.doubtful = None, saying.doubtful or saying.told is not None
        for each in records:
            self._fold(each)

    def stored(self, stored: Stored) -> None:
        """A new record."""
        record = self._fold(stored)
        if record is not None and isinstance(record.event, MessagePosted):
            saying = self.sayings[record.event.content]
            if saying.barred:
                self.wrong(f"{saying.content} was refused, and is stored at {record.position}")

    def _fold(self, stored: Stored) -> Record | None:
        branch = self.branch
        if stored.type not in TYPES:
            branch.unreadable, self.danced = stored.position, True
        if branch.unreadable is not None:
            return None
        record = decode(stored)
        match record.event:
            case MessagePosted():
                self._posted(record, record.event)
            case AgentRegistered(agent=agent, key_digest=digest):
                if agent in branch.registered:
                    self.wrong(f"{agent} is registered twice")
                branch.registered[agent] = digest
            case AgentVerified(agent=agent):
                branch.verified.setdefault(agent, record.position)
            case LimitsAdopted(limits=limits):
                branch.limits.append((record.position, limits))
        branch.room.apply(record)
        branch.heads.add(branch.room.head.hex())
        self.heads[branch.room.head.hex()] = record.position
        return record

    def _posted(self, record: Record, event: MessagePosted) -> None:
        branch, agent, content = self.branch, event.agent, event.content
        self._paced(record, event)
        if content in branch.contents:
            self.wrong(f"{content} is stored at {branch.contents[content]} and at {record.position}")
        if event.idempotency_key is not None:
            if (agent, event.idempotency_key) in branch.keys:
                self.wrong(f"key {event.idempotency_key} stands for two messages")
            branch.keys.add((agent, event.idempotency_key))
        if content not in self.sayings or self.sayings[content].key != event.idempotency_key:
            self.wrong(f"nobody said {content} with key {event.idempotency_key}")
        before = branch.messages[-1].cursor if branch.messages else ""
        said = Said(str(record.cursor), len(branch.messages) + 1, before, agent, content, record.position)
        branch.contents[content] = record.position
        branch.messages.append(said)
        self.said[said.cursor] = said

    def _paced(self, record: Record, event: MessagePosted) -> None:
        """The rate by the plain words: the N-th last post is a whole window away."""
        branch, times = self.branch, self.branch.posts[event.agent]
        limits = [limits for position, limits in branch.limits if position <= record.seen][-1]
        verified = branch.verified.get(event.agent, record.position) <= record.seen
        rate = limits.verified if verified else limits.unverified
        if len(times) >= rate.count and abs(event.at - times[-rate.count]) < rate.window:
            self.wrong(f"{event.content} came too soon for {rate}: {times[-rate.count :]}, {event.at}")
        times.append(event.at)

    def generation_of(self, node: Node | None) -> int | None:
        """None: this node does not know yet that the log was restored, or shows nothing."""
        return self.generation if node and node.room.head.hex() in self.branch.heads else None

    def asks(self, saying: Saying, node: Node | None) -> int | None:
        """An agent asks a node to store what it says."""
        saying.flying += 1
        saying.barred = False
        return self.generation_of(node)

    def answered(self, saying: Saying, answer: Answer | None, generation: int | None, began: int, ended: int) -> None:
        """What an agent was told of its saying, by a node that it had asked when the log was of that generation, and
        whose clock went from `began` to `ended`.
        """
        saying.flying -= 1
        if answer is None or answer.code == "outcome_unknown":
            saying.doubtful = True
        elif answer.status == 200:
            self._acknowledged(saying, answer.json["message"], generation)
        elif not saying.doubtful and not saying.flying and saying.told is None:
            saying.barred = True
            if saying.content in self.branch.contents:
                self.wrong(f"{saying.content} was refused with {answer.code}, and is stored")
        if answer is not None and answer.code == "message_rate_limited" and generation == self.generation:
            self._too_fast(saying, began, ended)

    def _too_fast(self, saying: Saying, began: int, ended: int) -> None:
        """Nobody is refused for a rate that has a place free, nor had one before the last posts, which a node may not
        have read.
        """
        times = self.branch.posts[saying.agent]
        rates = {rate for _, limits in self.branch.limits for rate in (limits.verified, limits.unverified)}
        last = [(time, rate.window) for rate in rates for time in times[: max(0, len(times) + 1 - rate.count)]]
        if began <= ended and not any(began - window < time < ended + window for time, window in last):
            self.wrong(f"{saying.content} was too fast at {began} for no reason: {times[-4:]}")

    def _acknowledged(self, saying: Saying, message: Any, generation: int | None) -> None:
        position = int(message["id"])
        if generation != self.generation:
            saying.doubtful = True
            return
        if self.branch.contents.get(saying.content) != position:
            self.wrong(f"{saying.content} was acknowledged as {position} and is not stored there")
        if (message["content"], message["agentId"]) != (saying.content, saying.agent):
            self.wrong(f"{saying.content} was acknowledged with {message}")
        if saying.told not in (None, position):
            self.wrong(f"{saying.content} was acknowledged as {saying.told} and as {position}")
        saying.told = position

    def pages(self, after: int, messages: Sequence[Any]) -> None:
        """A page is a piece of what was said, from the first message after `after`."""
        first = next((said.number - 1 for said in self.branch.messages if said.position > after), 0)
        expected = self.branch.messages[first : first + len(messages)] if messages else []
        if [(each.position, each.content) for each in expected] != [
            (int(each["id"]), each["content"]) for each in messages
        ]:
            self.wrong(f"the page after {after} is {[each['id'] for each in messages]}")

    def must_know(self, agent: str, key_digest: str, node: Node | None) -> bool:
        """Whether a node that has read all there is has read of this agent."""
        read = node is not None and node.room.head == self.branch.room.head
        return read and self.branch.registered.get(agent) == key_digest

    def may_reset(self, cursor: str, node: Node | None) -> bool:
        """Whether a cursor may be worth nothing at a node: it is of another branch, too old, or the node is behind."""
        said = self.said[cursor]
        behind = node is None or node.room.position < said.position
        return bool(self.generation) or behind or len(self.branch.messages) - said.number >= self.kept - 1

    def has_read(self, room: Room, name: str) -> None:
        """What a node has read is this log, or was it before."""
        if room.position and self.heads.get(room.head.hex()) != room.position:
            self.wrong(f"{name} at {room.position} has not read this log")

    def has_made(self, room: Room, name: str) -> None:
        """Whoever has read the same is in the same state."""
        if room.head == self.branch.room.head and room != self.branch.room:
            self.wrong(f"{name} at {room.position} is in another state than whoever reads the same log")
