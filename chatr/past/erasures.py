"""Whether the erased records of a log were erased by an operator, or emptied by hand.

The hash of an erased record proves nothing, as it covers the text. A later record must name the position and the hash
of all that stays; that record's own hash, and the chain, prove the rest.
"""

from typing import Final

import msgspec

from chatr.codec import DAMAGES
from chatr.ports import Stored

ERASABLE_TYPE: Final = "message-posted.v1"
ERASING_TYPE: Final = "records-erased.v1"


class ErasedRecord(msgspec.Struct):
    """An erased record as the erasing record names it."""

    position: int
    rest: str


class ErasingData(msgspec.Struct):
    """The data of an erasing record, without the fields that only tell why."""

    records: list[ErasedRecord]


class Erasures:
    """The erased records of a log that no later record has explained yet."""

    def __init__(self) -> None:
        self._rest_hashes: dict[int, str] = {}

    def add(self, stored: Stored) -> None:
        """Take the next record of the log."""
        if stored.is_erased:
            # Nothing else is ever erased, whatever a record says.
            self._rest_hashes[stored.position] = stored.rest_hash.hex() if stored.type == ERASABLE_TYPE else ""
        else:
            self.explain(stored)

    def explain(self, stored: Stored) -> None:
        """Take a record that may explain those that were added."""
        if stored.type != ERASING_TYPE:
            return
        for each in named_in(stored):
            if each.rest and self._rest_hashes.get(each.position) == each.rest:
                del self._rest_hashes[each.position]

    @property
    def unexplained(self) -> int | None:
        """The first position of an erased record that is not explained, if there is one."""
        return min(self._rest_hashes, default=None)


def named_in(stored: Stored) -> list[ErasedRecord]:
    """Return the records that an erasing record names; none if it cannot be read, which every fold reports."""
    try:
        return msgspec.json.decode(stored.data, type=ErasingData).records
    except DAMAGES:
        return []
