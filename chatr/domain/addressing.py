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
    """The author of each message of `positions`, which are those of all messages, and what is known of its addressees.

    `mentions` are the agents that messages mention, and `targets` the messages that they reply to: hidden messages are
    in them too, and erased ones are not. The other fields hold only messages that are shown: by their author, by the
    agents that they mention, by the message that they reply to, and by the agents that they are addressed to. These are
    those that it mentions, and the author of the message that it replies to; never its own author.
    """

    positions: "array[int]" = field(eq=False)
    authors: list[AgentId] = field(factory=list)
    mentions: MessageRelation[AgentId] = field(factory=relation_to_agents)
    targets: MessageRelation[int] = field(factory=relation_to_messages)
    by_author: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_mentioned: MessageIndex[AgentId] = field(factory=MessageIndex)
    by_target: MessageIndex[int] = field(factory=MessageIndex)
    by_addressee: MessageIndex[AgentId] = field(factory=MessageIndex)

    def add_addressees(self, position: int, author: AgentId, mentioned: Sequence[AgentId], target: int | None) -> None:
        """Add whom the last one of `positions` mentions, and the message that it replies to."""
        for agent in mentioned:
            self.mentions.add(position, agent)
        if target is not None:
            self.targets.add(position, target)
        self._index(position, author)

    def _index(self, position: int, author: AgentId) -> None:
        """Make a message findable by those that it mentions or replies to."""
        for agent in self.mentions.of(position):
            self.by_mentioned.add(agent, position)
        for target in self.targets.of(position):
            self.by_target.add(target, position)
        for agent in self.addressees(position, author):
            self.by_addressee.add(agent, position)

    def index_all(self, hidden: Container[int]) -> None:
        """Make all messages findable but the hidden ones, in a room of which only the first four fields are known."""
        # The room is that of a checkpoint, which may hold millions of messages: no call for each of them.
        for position, author in zip(self.positions, self.authors, strict=True):
            if position not in hidden:
                self.by_author.by_key[author].append(position)
        for position in sorted({*self.mentions.messages, *self.targets.messages}):
            if position not in hidden:
                self._index(position, self.author_of(position))

    def addressees(self, position: int, author: AgentId) -> Sequence[AgentId]:
        """The agents that a message of `author` is addressed to, each once."""
        repliees = (self.author_of(target) for target in self.targets.of(position))
        return [agent for agent in dict.fromkeys((*self.mentions.of(position), *repliees)) if agent not in (author, "")]

    def author_of(self, position: int) -> AgentId:
        """The author of the message at `position`; NO_AGENT if there is no message."""
        index = bisect_left(self.positions, position)
        is_message = index < len(self.positions) and self.positions[index] == position
        return self.authors[index] if is_message else NO_AGENT

    def show(self, position: int) -> None:
        """Show a message again that was hidden. A position without a message is ignored."""
        if author := self.author_of(position):
            self.by_author.add(author, position)
            self._index(position, author)

    def hide(self, positions: Iterable[int]) -> None:
        """Hide messages, whose positions are ascending. Positions without a message are ignored."""
        authored = [(author, position) for position in positions if (author := self.author_of(position))]
        shown = [position for _, position in authored]
        self.by_author.remove(authored)
        self.by_mentioned.remove((agent, each) for each in shown for agent in self.mentions.of(each))
        self.by_target.remove((target, each) for each in shown for target in self.targets.of(each))
        self.by_addressee.remove((agent, each) for author, each in authored for agent in self.addressees(each, author))

    def forget(self, positions: Sequence[int]) -> None:
        """Forget whom hidden messages mention and answer, as their texts were erased. Positions are ascending."""
        self.mentions.forget(positions)
        self.targets.forget(positions)
