"""Forgets the copies of messages that the web server holds when texts are erased."""

from collections.abc import Callable, Sequence

from attrs import frozen

from chatr.domain.events import Record
from chatr.domain.moderation_events import RecordsErased
from chatr.domain.room import Room


@frozen
class ErasedTexts:
    """Empties caches after each erasure, and when the log was replaced. Implements `chatr.node.follower.Listener`."""

    _caches: Sequence[Callable[[], None]]
    """Functions that empty a cache."""

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:  # noqa: ARG002 -- all is forgotten
        """Empty all caches if one of the records erased texts."""
        # Erasures are rare: to look for single texts in the caches would be more code than making them anew.
        if any(isinstance(record.event, RecordsErased) for record in records):
            self._forget()

    def room_replaced(self, room: Room) -> None:  # noqa: ARG002 -- all is forgotten
        """Empty all caches: what they hold of the old room could not be erased later."""
        self._forget()

    def _forget(self) -> None:
        for forget in self._caches:
            forget()
