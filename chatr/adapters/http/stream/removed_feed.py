"""Removed frames: which messages are not to be shown any longer, or again, for the watchers that asked for it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from chatr.adapters.http.stream import frames
from chatr.domain.events import Record
from chatr.domain.removals import VisibilityChange
from chatr.domain.room import Room
from chatr.node.node import Node

CHANGES_PER_ITERATION: Final = 500
"""Changes that are published in one iteration of the loop, about 50 kB. One record may erase a thousand messages."""


class FanOut(Protocol):
    """What writes removed frames to the watchers that want them. The hub implements it."""

    @property
    def has_removal_watchers(self) -> bool:
        """Whether there are such watchers."""

    def publish_removed(self, frames: Iterable[bytes]) -> None:
        """Write frames to them soon."""


def repeated(changes: Sequence[VisibilityChange], sent_until: int) -> list[bytes]:
    """Return the frames of changes for a client that resumes and has been sent the messages up to this position."""
    # What was restored after that position comes as a message: a client that loads it, too, would have it twice.
    return [frames.removed(each) for each in changes if not each.restored or each.message <= sent_until]


class RemovedFeed:
    """Publishes removals and restorations in log order. Implements `chatr.node.follower.Listener`.

    Of all changes of the room, counted from 0, those before `published` were published, and the others will be soon.
    """

    def __init__(self, node: Node, hub: FanOut) -> None:
        self._node = node
        self._hub = hub
        # Those of a checkpoint are not news.
        self._published = len(self._changes)
        self._scheduled = False

    @property
    def published(self) -> int:
        """How many changes a watcher that joins now must have been sent already, or not need."""
        # Without watchers that want them nothing is published, and nothing is left to be published to later ones.
        if not self._hub.has_removal_watchers:
            self._published = len(self._changes)
        return self._published

    def changes_from(self, index: int, limit: int) -> Sequence[VisibilityChange]:
        """Return at most so many changes from this one on, of those that were published."""
        return self._changes[index : min(index + limit, self.published)]

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:  # noqa: ARG002 -- the room has all of them
        """Publish the changes that the room has had."""
        # Nearly no record is one, and this is called for each post.
        if len(room.history.removals.changes) != self._published and not self._scheduled:
            self._publish_some()

    def room_replaced(self, room: Room) -> None:
        """Forget the changes of the log that was replaced. Its watchers were dropped."""
        self._published = len(room.history.removals.changes)

    @property
    def _changes(self) -> list[VisibilityChange]:
        return self._node.room.history.removals.changes

    def _publish_some(self) -> None:
        self._scheduled = False
        first = self.published
        some = self._changes[first : first + CHANGES_PER_ITERATION]
        if some:
            self._hub.publish_removed(map(frames.removed, some))
            self._published += len(some)
        if self._published < len(self._changes):
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._publish_some)
