"""A record as a log stores it, and the draft that becomes one: text and numbers, which codec.py makes of an event."""

from hashlib import sha256

from chatr.domain.events import Cursor
from chatr.domain.immutability import statically_frozen


@statically_frozen
class Draft:
    """A record that has no position in the log yet.

    `data` is JSON text without raw newlines, `at` is milliseconds since 1970. `decided_at_position` is the position up
    to which the node that decided the event had folded the log.
    """

    id: str
    stream: str
    type: str
    at: int
    decided_at_position: int
    data: str

    def record_hash_after(self, previous: int, errors: str = "strict") -> bytes:
        """The SHA-256 of the record that this draft becomes after `previous`, the last position of its stream.

        Raises UnicodeEncodeError for a lone surrogate. With "surrogateescape" as `errors`, text that was altered by
        hand is hashed as it is stored, also if it holds bytes that are no UTF-8.
        """
        # Stores compute it from the expected `previous` before they assign a position, which is therefore not covered.
        # An f-string takes 60 % of the time that joining the fields takes, and every record that is read is hashed.
        text = f"{self.stream}\n{previous}\n{self.id}\n{self.type}\n{self.at}\n{self.decided_at_position}\n{self.data}"
        return sha256(text.encode("utf-8", errors)).digest()

    def at_position(self, position: int, previous: int, record_hash: bytes) -> "Stored":
        """The stored record that this draft becomes at `position`."""
        return Stored(
            self.id,
            self.stream,
            self.type,
            self.at,
            self.decided_at_position,
            self.data,
            position,
            previous,
            record_hash,
        )


@statically_frozen
class Stored(Draft):
    """A record as a log stores it. `previous` is the position of the record before it in its stream, 0 for the first.

    The fields are in the order of the columns that stores read.
    """

    position: int
    previous: int
    record_hash: bytes

    @property
    def draft(self) -> Draft:
        """The draft that became this record."""
        return Draft(self.id, self.stream, self.type, self.at, self.decided_at_position, self.data)

    @property
    def cursor(self) -> Cursor:
        """The cursor of a reader whose last record this is."""
        # Ids are random: 8 of their hexadecimal digits tell records of the same position apart, and keep cursors short.
        return Cursor(self.position, self.id[:8])

    @property
    def is_erased(self) -> bool:
        """Whether the text of this record was erased. No event is stored as an empty text."""
        return not self.data

    @property
    def rest_hash(self) -> bytes:
        """The SHA-256 of all that erasing leaves.

        An erasing record stores it, because `record_hash` covers the erased text and cannot be checked any longer.
        """
        record_hash = self.record_hash.hex()
        fields = (self.position, self.stream, self.previous, self.id, self.type, self.at, self.decided_at_position)
        return sha256("\n".join(map(str, (*fields, record_hash))).encode("utf-8", "surrogateescape")).digest()

    @property
    def is_intact(self) -> bool:
        """Whether the record is as it was stored, as far as the record alone shows.

        The hash of a record without text is not checked: the record that erased it says why it is empty, and what stays
        of it. That a record was moved is found only by the chain hash.
        """
        # The hash does not cover the position. Only this much shows: what the record refers to must come before it.
        if self.previous >= self.position or self.decided_at_position >= self.position:
            return False
        return self.record_hash == self.record_hash_after(self.previous, "surrogateescape") or self.is_erased
