"""The interface of the parts that the follower notifies after it has folded records."""

from collections.abc import Sequence
from typing import Protocol

from chatr.domain.events import Record
from chatr.domain.room import Room


class Listener(Protocol):
    """Is called by the follower after each fold, in the same iteration of the event loop."""

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Handle `records`, which were just folded into `room`. Called before any waiting task runs."""
        ...

    def room_replaced(self, room: Room) -> None:
        """Handle the room of a log that replaced the one followed so far. All earlier records are void."""
        ...
