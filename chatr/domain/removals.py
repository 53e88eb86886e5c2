"""Messages that are hidden: those that an operator removed, and those whose text was erased."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from attrs import define, field

from chatr.domain.immutability import statically_frozen
from chatr.domain.moderation_events import MessageRemoved, MessageRestored, RecordsErased
from chatr.domain.sorted_arrays import insert_sorted

VisibilityEvent = MessageRemoved | MessageRestored | RecordsErased


@statically_frozen
class Removal:
    """Why, when and by whom the message at position `message` was hidden. `erased`: for ever.

    `position` is that of the record that hid it. Checkpoints store these names, and those of VisibilityChange.
    """

    message: int
    position: int
    reason: str
    by: str
    at: int
    erased: bool


@statically_frozen
class VisibilityChange:
    """The record at `position` hid the message at position `message`, or showed it again (`restored`)."""

    position: int
    message: int
    reason: str
    restored: bool


@define
class Removals:
    """The hidden messages by their positions, and all changes in log order."""

    by_message: dict[int, Removal] = field(factory=dict)
    # The keys of `by_message`, sorted, to count the hidden messages before a position.
    message_positions: "array[int]" = field(factory=lambda: array("q"))
    changes: list[VisibilityChange] = field(factory=list)

    def __contains__(self, message: int) -> bool:
        """Whether the message at this position is hidden."""
        return message in self.by_message

    def __len__(self) -> int:
        """How many messages are hidden."""
        return len(self.by_message)

    def count_before(self, position: int) -> int:
        """How many messages before `position` are hidden."""
        return bisect_left(self.message_positions, position)

    def apply(self, event: VisibilityEvent, position: int) -> list[VisibilityChange]:
        """Hide or show messages, by the record at `position`, and return the changes."""
        first = len(self.changes)
        match event:
            case MessageRemoved():
                self._hide([Removal(event.position, position, event.reason, event.by, event.at, erased=False)])
            case MessageRestored():
                self._show(event.position, position)
            case RecordsErased():
                at, records = event.at, event.records
                self._hide(
                    [Removal(each.position, position, event.reason, event.by, at, erased=True) for each in records]
                )
        return self.changes[first:]

    def _hide(self, removals: Sequence[Removal]) -> None:
        added: list[int] = []
        for removal in removals:
            earlier = self.by_message.get(removal.message)
            # A removed message may be erased later, and an erased one cannot become a removed one.
            if earlier is not None and (earlier.erased or not removal.erased):
                continue
            self.by_message[removal.message] = removal
            if earlier is None:
                added.append(removal.message)
                self.changes.append(VisibilityChange(removal.position, removal.message, removal.reason, restored=False))
        self.message_positions = insert_sorted(self.message_positions, sorted(added))

    def _show(self, message: int, position: int) -> None:
        earlier = self.by_message.get(message)
        if earlier is not None and not earlier.erased:
            del self.by_message[message]
            self.message_positions.pop(bisect_left(self.message_positions, message))
            self.changes.append(VisibilityChange(position, message, "", restored=True))

    @classmethod
    def of(cls, removals: Sequence[Removal], changes: list[VisibilityChange]) -> "Removals":
        """Removals with these hidden messages, and with `changes` as those so far."""
        by_message = {each.message: each for each in removals}
        return cls(by_message, array("q", sorted(by_message)), changes)
