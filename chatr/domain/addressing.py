"""Who wrote each message, whom it mentions, and which message it replies to."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence

from attrs import define, field

from chatr.domain.identity import NO_AGENT, AgentId
from chatr.domain.message_index import K, MessageIndex, MessageRelation


def relation_to_agents() -> MessageRelation[AgentId]:
    """An empty relation of messages to agents."""
    return MessageRelation([])


def relation_to_messages() -> MessageRelation[int]:
    """An empty relation of messages to other messages."""
    return MessageRelation(array("q"))


@define
class HiddenMessages:
    """Indexes of the hidden messages by author, by mentioned agent and by the message replied to. Erased ones have only
    their author.
    """

    by_author: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_mentioned: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_replied_to: MessageIndex[int] = field(factory=MessageIndex)


@define
class Addressing:
    """Indexes of a room's messages by author, by mentioned agent, by the message replied to and its author, and by
    addressee.

    The addressees of a message are the agents that it mentions and the author of the message that it replies to, but
    never its own author.

    `positions` are those of all messages, and `authors` their authors, in the same order. `mentions` and `replied_to`
    hold what each message mentions and replies to, also for hidden messages, but not for erased ones. The indexes
    `by_…` hold only the messages that are shown, and those of `hidden` the others.
    """

    positions: "array[int]" = field(eq=False)
    authors: list[AgentId] = field(factory=list)
    mentions: MessageRelation[AgentId] = field(factory=relation_to_agents)
    replied_to: MessageRelation[int] = field(factory=relation_to_messages)
    by_author: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_mentioned: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_replied_to: MessageIndex[int] = field(factory=MessageIndex)
    by_replied_author: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_addressee: MessageIndex[AgentId] = field(factory=MessageIndex)
    hidden: HiddenMessages = field(factory=HiddenMessages)

    def add_addressees(
        self, position: int, author: AgentId, mentioned: Sequence[AgentId], replied_to: int | None
    ) -> None:
        """Add the agents that the newest message mentions, and the message that it replies to."""
        for agent in mentioned:
            self.mentions.add(position, agent)
        if replied_to is not None:
            self.replied_to.add(position, replied_to)
        # Not read from the relations, which would search them for what was just added to their ends.
        self._index(position, author, mentioned, () if replied_to is None else (replied_to,))

    def _index(self, position: int, author: AgentId, mentioned: Sequence[AgentId], replied_to: Sequence[int]) -> None:
        """Add a message to the indexes by mentioned agent, by what it replies to, and by addressee."""
        replied_authors = list(map(self.author_of, replied_to))
        for agent in mentioned:
            self.by_mentioned.add(agent, position)
        for message in replied_to:
            self.by_replied_to.add(message, position)
        for agent in replied_authors:
            self.by_replied_author.add(agent, position)
        for agent in addressed(author, mentioned, replied_authors):
            self.by_addressee.add(agent, position)

    def index_all(self, hidden: Collection[int]) -> None:
        """Fill the empty indexes from the other fields; `hidden` are the positions of hidden messages."""
        # A checkpoint may hold millions of messages: appending directly avoids a call for each of them.
        for position, author in zip(self.positions, self.authors, strict=True):
            if position not in hidden:
                self.by_author.by_key[author].append(position)
        # Sorted, because MessageIndex inserts slowly before the end.
        for position in sorted({*self.mentions.messages, *self.replied_to.messages}):
            if position not in hidden:
                author = self.author_of(position)
                self._index(position, author, self.mentions.of(position), self.replied_to.of(position))
        self._index_hidden(self._authored(sorted(hidden)))

    def addressees(self, position: int, author: AgentId) -> Sequence[AgentId]:
        """The agents that a message of `author` is addressed to, each once."""
        replied_authors = map(self.author_of, self.replied_to.of(position))
        return addressed(author, self.mentions.of(position), replied_authors)

    def author_of(self, position: int) -> AgentId:
        """The author of the message at `position`; NO_AGENT if there is no message."""
        index = bisect_left(self.positions, position)
        is_message = index < len(self.positions) and self.positions[index] == position
        # A record that was stored against the rules may name a position without a message.
        return self.authors[index] if is_message else NO_AGENT

    def show(self, position: int) -> None:
        """Add a message that was hidden to the indexes again. A position without a message is ignored."""
        if author := self.author_of(position):
            self.by_author.add(author, position)
            self._index(position, author, self.mentions.of(position), self.replied_to.of(position))
            self.hidden.by_author.remove([(author, position)])
            self.hidden.by_mentioned.remove(self._pairs(self.mentions, [position]))
            self.hidden.by_replied_to.remove(self._pairs(self.replied_to, [position]))

    def hide(self, positions: Iterable[int]) -> None:
        """Move messages to the hidden ones. Positions must be ascending; those without a message are ignored."""
        authored = self._authored(positions)
        shown = [position for _, position in authored]
        self.by_author.remove(authored)
        self.by_mentioned.remove(self._pairs(self.mentions, shown))
        replied = list(self._pairs(self.replied_to, shown))
        self.by_replied_to.remove(replied)
        self.by_replied_author.remove((self.author_of(message), each) for message, each in replied)
        self.by_addressee.remove((agent, each) for author, each in authored for agent in self.addressees(each, author))
        self._index_hidden(authored)

    def _authored(self, positions: Iterable[int]) -> list[tuple[AgentId, int]]:
        """The authors of the messages at these positions, and the positions; those without a message are left out."""
        return [(author, position) for position in positions if (author := self.author_of(position))]

    def _pairs(self, relation: MessageRelation[K], positions: Iterable[int]) -> Iterator[tuple[K, int]]:
        """Yield the keys that a relation has for the messages at these positions, and the positions."""
        return ((key, position) for position in positions for key in relation.of(position))

    def _index_hidden(self, authored: Sequence[tuple[AgentId, int]]) -> None:
        """Add messages to the indexes of the hidden ones."""
        positions = [position for _, position in authored]
        self.hidden.by_author.insert(authored)
        self.hidden.by_mentioned.insert(self._pairs(self.mentions, positions))
        self.hidden.by_replied_to.insert(self._pairs(self.replied_to, positions))

    def forget(self, positions: Sequence[int]) -> None:
        """Remove what erased messages mention and reply to. They must be hidden, and their positions ascending."""
        self.hidden.by_mentioned.remove(self._pairs(self.mentions, positions))
        self.hidden.by_replied_to.remove(self._pairs(self.replied_to, positions))
        self.mentions.forget(positions)
        self.replied_to.forget(positions)


def addressed(author: AgentId, mentioned: Iterable[AgentId], replied_authors: Iterable[AgentId]) -> list[AgentId]:
    """The agents, each once, that a message of `author` is addressed to, as it mentions and replies to these."""
    # A dict removes duplicates and keeps the order: the author that is replied to may also be mentioned.
    agents = dict.fromkeys((*mentioned, *replied_authors))
    return [agent for agent in agents if agent not in (author, NO_AGENT)]
