"""Which messages may be left out where messages are shown, and which must be left out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field

from chatr.node.node import Node
from tests.simulation.branch import Branch, StoredMessage


def hidden_at(node: Node | None) -> dict[int, int]:
    """The messages that are hidden at a node, each with the record that hid it."""
    return {each.message: each.position for each in node.room.history.removals.by_message.values()} if node else {}


def stays_hidden(then: Mapping[int, int], node: Node | None, message: int) -> bool:
    """Whether a message that was hidden `then` at a node is so since, by the same record."""
    removal = node.room.history.removals.by_message.get(message) if node else None
    return removal is not None and then.get(message) == removal.position


@define(eq=False)
class Visibility:
    """What is known of the messages of all branches, by cursor.

    `hidden_once`: those that were ever hidden. `in_doubt`: positions of messages that were removed or restored by
    records which a restored log has lost. Nobody can tell a client that, as it goes on after a message that is there.
    """

    report: Callable[[str], None]
    messages: Mapping[str, StoredMessage]
    hidden_once: set[str] = field(factory=set)
    in_doubt: set[int] = field(factory=set)

    def log_restored(self, old: Branch, length: int) -> None:
        """The log was replaced by its first `length` records."""
        self.in_doubt |= {message for position, message in old.moderation.changes if position > length}

    def follows(self, message: StoredMessage | None, cursor: str) -> bool:
        """Whether all messages after `cursor` up to this one, which is the last one, were hidden once."""
        while message is not None and message.cursor != cursor and message.cursor in self.hidden_once:
            message = self.messages.get(message.before)
        return (message.cursor if message else "") == cursor

    def check_page(
        self, branch: Branch, after: int, found: Sequence[Any], hidden: Mapping[int, int], node: Node | None
    ) -> None:
        """A page must hold consecutive messages from the first one after position `after`, without hidden ones.

        `hidden` were so at the node when it was asked.
        """
        first = next((each.number - 1 for each in branch.messages if each.position > after), len(branch.messages))
        expected = iter(branch.messages[first:])
        for shown in found:
            position = int(shown["id"])
            message = next((each for each in expected if each.position == position or not self._was_hidden(each)), None)
            if message is None or (message.position, message.content) != (position, shown["content"]):
                self.report(f"the page after {after} has {shown} instead of {message}")
                return
            if stays_hidden(hidden, node, position):
                self.report(f"the page after {after} has {position}, which is hidden")

    def _was_hidden(self, message: StoredMessage) -> bool:
        return message.cursor in self.hidden_once


@define(eq=False)
class ShownMessages:
    """The messages that a client shows who takes back what was removed: positions from `first` on, None = not known."""

    held: set[int] = field(factory=set)
    first: int | None = None

    def begin(self, positions: Sequence[int]) -> None:
        """Show these messages, and none before."""
        self.held, self.first = set(positions), min(positions, default=None)

    def add(self, position: int) -> bool:
        """Show a new message. Returns whether it was not shown yet."""
        self.first = position if self.first is None else self.first
        is_new = position not in self.held
        self.held.add(position)
        return is_new

    def change(self, position: int, *, restored: bool) -> None:
        """Take a message back, or show it again."""
        if not restored:
            self.held.discard(position)
        elif self.first is not None and position >= self.first:
            self.held.add(position)

    def differences(self, branch: Branch) -> set[int]:
        """The messages that are shown and should be hidden, and those that are missing."""
        if self.first is None:
            return set()
        return self.held ^ {each.position for each in branch.visible() if each.position >= self.first}
