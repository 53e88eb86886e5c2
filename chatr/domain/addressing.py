"""Who wrote each message, whom it mentions, and which message it replies to."""

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence

from attrs import define, field

from chatr.domain.identity import NO_AGENT, AgentId
from chatr.domain.message_index import MessageIndex, MessageRelation


def relation_to_agents() -> MessageRelation[AgentId]:
    """An empty relation of messages to agents."""
    return MessageRelation([])


def relation_to_messages() -> MessageRelation[int]:
    """An empty relation of messages to other messages."""
    return MessageRelation(array("q"))


@define
class Addressing:
    """Indexes of a room's messages by author, by mentioned agent, by the message replied to, and by addressee.

    The addressees of a message are the agents that it mentions and the author of the message that it replies to, but
    never its own author.

    `positions` are those of all messages, and `authors` their authors, in the same order. `mentions` and `replied_to`
    hold what each message mentions and replies to, also for hidden messages, but not for erased ones. The indexes
    `by_…` hold only the messages that are shown.
    """

    positions: "array[int]" = field(eq=False)
    authors: list[AgentId] = field(factory=list)
    mentions: MessageRelation[AgentId] = field(factory=relation_to_agents)
    replied_to: MessageRelation[int] = field(factory=relation_to_messages)
    by_author: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_mentioned: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_replied_to: MessageIndex[int] = field(factory=MessageIndex)
    by_addressee: MessageIndex[AgentId] = field(factory=MessageIndex)

    def add_addressees(
        self, position: int, author: AgentId, mentioned: Sequence[AgentId], replied_to: int | None
    ) -> None:
        """Add the agents that the newest message mentions, and the message that it replies to."""
        for agent in mentioned:
            self.mentions.add(position, agent)
        if replied_to is not None:
            self.replied_to.add(position, replied_to)
        self._index(position, author)

    def _index(self, position: int, author: AgentId) -> None:
        """Add a message to the indexes by mentioned agent, by the message replied to, and by addressee."""
        for agent in self.mentions.of(position):
            self.by_mentioned.add(agent, position)
        for message in self.replied_to.of(position):
            self.by_replied_to.add(message, position)
        for agent in self.addressees(position, author):
            self.by_addressee.add(agent, position)

    def index_all(self, hidden: Container[int]) -> None:
        """Fill the empty indexes `by_…` from the other fields, without the hidden messages."""
        # A checkpoint may hold millions of messages: appending directly avoids a call for each of them.
        for position, author in zip(self.positions, self.authors, strict=True):
            if position not in hidden:
                self.by_author.by_key[author].append(position)
        # Sorted, because MessageIndex inserts slowly before the end.
        for position in sorted({*self.mentions.messages, *self.replied_to.messages}):
            if position not in hidden:
                self._index(position, self.author_of(position))

    def addressees(self, position: int, author: AgentId) -> Sequence[AgentId]:
        """The agents that a message of `author` is addressed to, each once."""
        # A dict removes duplicates and keeps the order: the author that is replied to may also be mentioned.
        replied_authors = (self.author_of(message) for message in self.replied_to.of(position))
        return [
            agent
            for agent in dict.fromkeys((*self.mentions.of(position), *replied_authors))
            if agent not in (author, NO_AGENT)
        ]

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
            self._index(position, author)

    def hide(self, positions: Iterable[int]) -> None:
        """Remove messages from the indexes. Positions must be ascending; those without a message are ignored."""
        authored = [(author, position) for position in positions if (author := self.author_of(position))]
        shown = [position for _, position in authored]
        self.by_author.remove(authored)
        self.by_mentioned.remove((agent, each) for each in shown for agent in self.mentions.of(each))
        self.by_replied_to.remove((message, each) for each in shown for message in self.replied_to.of(each))
        self.by_addressee.remove((agent, each) for author, each in authored for agent in self.addressees(each, author))

    def forget(self, positions: Sequence[int]) -> None:
        """Remove what erased messages mention and reply to. They must be hidden, and their positions ascending."""
        self.mentions.forget(positions)
        self.replied_to.forget(positions)
