"""Explain empty messages: each must be named by a later record that erased it and that proves what stays of it.

That is judged at the end of what was read: an erasing record is after its messages, and may be read much later.
"""

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field, frozen

from chatr.codec import ERASING_TYPE, MESSAGE_TYPE, UnreadableRecord, decode
from chatr.domain.moderation_events import ErasedRecord, RecordsErased
from chatr.ports import Stored


@frozen
class Naming:
    """An erasing record at `position` names a message; `rest` is what it says of `Stored.rest_hash`, in hex."""

    position: int
    rest: str


@define
class ErasureCheck:
    """Reads records in the order of the log, and compares the empty ones with what erasing records say."""

    # The rest hashes of empty records, and of records that were read again and have text, by position.
    _rests: dict[int, str] = field(factory=dict)
    _rests_with_text: dict[int, str] = field(factory=dict)
    # What erasing records say, by the positions that they name.
    _namings: dict[int, list[Naming]] = field(factory=dict)

    def read(self, stored: Stored) -> None:
        """Take the next record of the log."""
        if stored.is_erased:
            # Nothing else is ever erased, whatever a record says.
            rest = stored.rest_hash.hex() if stored.type == MESSAGE_TYPE else "none"
            self._rests[stored.position] = rest
        else:
            self.explain(stored)

    def explain(self, stored: Stored) -> None:
        """Take a record that may explain those that were read."""
        if stored.type == ERASING_TYPE:
            # Nothing is erased by an earlier record, whatever it names.
            for each in named_in(stored):
                if each.position < stored.position:
                    self._namings.setdefault(each.position, []).append(Naming(stored.position, each.rest))

    def read_again(self, stored: Stored) -> None:
        """Take note of a record that was `not_empty`, and may have been erased since."""
        rests = self._rests if stored.is_erased else self._rests_with_text
        rests[stored.position] = stored.rest_hash.hex()

    @property
    def unexplained(self) -> Sequence[int]:
        """The empty records that no erasing record names so far, ascending."""
        return sorted(self._rests.keys() - self._namings.keys())

    @property
    def unproved(self) -> int | None:
        """The first position of an empty record whose rest hash no erasing record has; None if there is none."""
        return min(
            (
                position
                for position, rest in self._rests.items()
                if all(naming.rest != rest for naming in self._namings.get(position, ()))
            ),
            default=None,
        )

    @property
    def not_empty(self) -> Sequence[int]:
        """The positions that erasing records name and that were not empty when they were read, ascending."""
        return sorted(self._namings.keys() - self._rests.keys())

    def changed(self) -> Iterator[tuple[int, Naming]]:
        """Yield the empty records whose rest hash is not the one that an erasing record has, and that record."""
        for position in sorted(self._rests.keys() & self._namings.keys()):
            for naming in self._namings[position]:
                if naming.rest != self._rests[position]:
                    yield position, naming

    def faults(self, is_message: Callable[[int], bool]) -> Iterator[tuple[int, str]]:
        """Yield position and sentence of each message that is not as erasing records say, once all are read."""
        for position in self.unexplained:
            yield position, "It is empty, and no record erased it: its text was removed by hand."
        for position, naming in self.changed():
            yield position, f"What stays of it is not what record {naming.position} proves: it was changed."
        for position in filter(is_message, self.not_empty):
            naming = self._namings[position][-1]
            if self._rests_with_text.get(position, naming.rest) == naming.rest:
                yield position, f"Record {naming.position} erased it, but its text is there: the next start erases it."
            else:
                yield position, f"Record {naming.position} erased another record in its place: it was changed."


def named_in(stored: Stored) -> Sequence[ErasedRecord]:
    """Return the records that an erasing record names; none if it cannot be read, which every fold reports."""
    try:
        event = decode(stored).event
    except UnreadableRecord:
        return ()
    return event.records if isinstance(event, RecordsErased) else ()
