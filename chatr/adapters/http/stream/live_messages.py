"""Live messages: a listener of the node that publishes each new message to the watchers."""

from collections.abc import Sequence

from attrs import frozen

from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.hub import Hub
from chatr.domain.events import MessagePosted, Record
from chatr.domain.history import message_from_record
from chatr.domain.room import Room


@frozen
class LiveMessages:
    """Implements `chatr.node.follower.Listener`."""

    _hub: Hub

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Publish a frame for each message among `records` that was not hidden by a later one of them."""
        # Without watchers nothing is encoded: a replay passes a million messages through here.
        if len(self._hub):
            messages = [message_from_record(record) for record in records if isinstance(record.event, MessagePosted)]
            self._hub.publish(frames.message(room, message) for message in messages if room.history.shows(message))

    def room_replaced(self, room: Room) -> None:  # noqa: ARG002 -- watchers read the new room when they come back
        """Drop all watchers: they reconnect with their last id, which the new log may not contain."""
        self._hub.drop_all()
