"""What follows from the records of one version of the log. Restoring an older copy begins another branch."""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator
from copy import copy
from typing import Final

from attrs import define, evolve, field, frozen

from chatr.domain.chain import EMPTY_CHAIN_HASH
from chatr.domain.events import AgentRegistered, AgentSeen, MessagePosted, Record, VerificationStarted
from chatr.domain.history import erased_message
from chatr.domain.identity import NO_AGENT
from chatr.domain.limits import Limits
from chatr.domain.room import Room
from tests.simulation.expected_keys import ExpectedKeys
from tests.simulation.moderation import Moderation

NO_TEXT: Final = erased_message(NO_AGENT, 0)


@frozen
class StoredMessage:
    """A message in the log: the `number`-th of its branch; `before` is the cursor of the message before it.

    `addressees` are the agents that it mentions, and the author of the message that it replies to, but not its own.
    """

    cursor: str
    number: int
    before: str
    agent: str
    content: str
    position: int
    addressees: frozenset[str] = frozenset()


@define(eq=False)
class Branch:
    """What follows from one version of the log. `report` is called with a sentence for a record that must not be there.

    `once_erased`: messages that had no text in an earlier branch. `contents`: the position of each message that was not
    erased, by its content. `keys`: the same, by agent and idempotency key. `post_times`: milliseconds since 1970, by
    agent. `requests`: time and SHA-256 of the Idempotency-Key of each registration, by agent. `limits`: each with the
    position at which it was adopted. `unreadable_at`: the first record of an unknown type, where nodes stop folding.
    """

    report: Callable[[str], None]
    once_erased: Collection[int] = ()
    room: Room = field(factory=Room)
    chain_hashes: set[str] = field(factory=lambda: {EMPTY_CHAIN_HASH.hex()})
    messages: list[StoredMessage] = field(factory=list)
    by_position: dict[int, StoredMessage] = field(factory=dict)
    contents: dict[str, int] = field(factory=dict)
    keys: dict[tuple[str, str], int] = field(factory=dict)
    post_times: defaultdict[str, list[int]] = field(factory=lambda: defaultdict(list))
    requests: dict[str, tuple[int, str | None]] = field(factory=dict)
    agents_by_name: dict[str, str] = field(factory=dict)
    limits: list[tuple[int, Limits]] = field(factory=list)
    moderation: Moderation = field(factory=Moderation)
    open_keys: ExpectedKeys = field(init=False)
    unreadable_at: int | None = None

    def __attrs_post_init__(self) -> None:
        self.open_keys = ExpectedKeys(self.report)

    def limits_at(self, position: int) -> Limits:
        """The limits in force after the record at `position`."""
        return [limits for adopted_at, limits in self.limits if adopted_at <= position][-1]

    def addressees(self, event: MessagePosted) -> frozenset[str]:
        """Whom a message addresses, by its words: `@NAME` of agents that are registered, and its target's author."""
        names = (word[1:] for word in event.content.split() if word.startswith("@"))
        agents = {self.agents_by_name[plain(name)] for name in names if plain(name) in self.agents_by_name}
        target = {self.by_position[event.reply_to].agent} if event.reply_to is not None else set()
        return frozenset((agents | target) - {event.agent})

    def visible(self) -> Iterator[StoredMessage]:
        """Yield the messages that are not hidden."""
        return (each for each in self.messages if not self.moderation.is_hidden(each.position))

    def erased_texts(self) -> set[str]:
        """The texts that nobody may have any more."""
        # A message may be posted again after it was erased.
        return {self.by_position[position].content for position in self.moderation.erased} - self.contents.keys()

    def forget(self, position: int) -> StoredMessage:
        """Forget what was posted by the message at `position`, which is erased. Returns the message."""
        message = self.by_position[position]
        if self.contents.get(message.content) == position:
            del self.contents[message.content]
        self.keys = {key: stored_at for key, stored_at in self.keys.items() if stored_at != position}
        return message

    def has_same_room(self, room: Room) -> bool:
        """Whether a room is the one into which the records of this branch fold."""
        # A node that reads a message after its text was erased cannot know its idempotency key. If a restored copy has
        # the text again, and not the record that erased it, nothing tells a node that had read so far, or a checkpoint.
        erased = {*self.moderation.erased, *self.once_erased}
        agents = {each.agent for each in self.messages if each.position in erased}
        return room == self.room or (
            bool(erased) and without(erased, agents, room) == without(erased, agents, self.room)
        )

    def apply(self, record: Record) -> None:
        """Take the next record: report it if operators have forbidden it, and remember what follows from it."""
        event, seen = record.event, record.decided_at_position
        if isinstance(event, MessagePosted | AgentSeen | VerificationStarted):
            self._check_standing(event.agent, event.at)
        if isinstance(event, MessagePosted) or (isinstance(event, AgentRegistered) and event.by is None):
            self._check_room(event, seen)
        self.open_keys.apply(event)
        self.room.apply(record)
        self.moderation.apply(record, self.room.rule_context.limits)
        self.chain_hashes.add(self.room.chain_hash.hex())

    def _check_standing(self, agent: str, at: int) -> None:
        """An agent that is suspended in its own stream has no records of anything that it does."""
        if self.moderation.is_suspended(agent, at):
            self.report(f"record {self.room.position + 1} is that of {agent}, which is suspended")

    def _check_room(self, event: MessagePosted | AgentRegistered, seen: int) -> None:
        """Nobody posts or registers at a node that knows that the room is closed, or that the agent may not."""
        registration = self.limits_at(seen).registration
        if self.moderation.is_closed(seen):
            self.report(f"record {self.room.position + 1} was decided at {seen}, when the room was closed")
        if isinstance(event, AgentRegistered) and registration == "closed":
            self.report(f"{event.name} is registered, and registration was closed at {seen}")
        if (
            isinstance(event, MessagePosted)
            and registration in ("approval", "closed")
            and event.agent in self.moderation.waiting
        ):
            self.report(f"{event.agent} posts and is not approved at {seen}")


def plain(name: str) -> str:
    """What two names that look alike have in common: agents here write some zeros as letters."""
    return name.replace("0", "o")


def without(texts: Collection[int], keys_of: Collection[str], room: Room) -> Room:
    """A copy of the room without the texts of messages at these positions, and the idempotency keys of these agents."""
    other = copy(room)
    other.agents = {
        each.id: evolve(each, keyed_posts=b"") if each.id in keys_of else each for each in room.agents.values()
    }
    newest = (evolve(each, event=NO_TEXT) if each.position in texts else each for each in room.history.newest)
    other.history = evolve(room.history, newest=deque(newest))
    return other
