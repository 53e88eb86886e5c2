"""The interface of what is notified when records were folded."""

from collections.abc import Sequence
from typing import Protocol

from chatr.domain.events import Record
from chatr.domain.room import Room


class Listener(Protocol):
    """Is notified of what the follower folded, in the same event loop iteration."""

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """`records` were just folded into `room`. Called before any waiting task runs."""
        ...

    def room_replaced(self, room: Room) -> None:
        """`room` was folded from a log that replaced the one followed so far. All earlier records are void."""
        ...
