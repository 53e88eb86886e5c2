"""Removed frames tell the watchers that asked for it which messages to hide, and which to show again.

Messages that are hidden before their own frames are written are withdrawn from all watchers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from chatr.adapters.http.stream import frames
from chatr.domain.events import Record
from chatr.domain.removals import VisibilityChange
from chatr.domain.room import Room
from chatr.node.node import Node


class FanOut(Protocol):
    """What writes removed frames to the watchers that want them. The hub implements it."""

    @property
    def has_removal_watchers(self) -> bool:
        """Whether there are such watchers."""

    def publish_removed(self, frames: Iterable[bytes]) -> None:
        """Write frames to them soon."""

    def withdraw(self, is_withdrawn: Callable[[bytes], bool]) -> None:
        """Drop frames for all watchers, if they are not being written yet."""


def repeated(changes: Sequence[VisibilityChange], sent_until: int) -> list[bytes]:
    """Return the frames of changes for a client that resumes and has been sent the messages up to this position."""
    # A restored message after that position is sent as a message. A client that loads it because of a removed frame
    # would show it twice.
    return [frames.removed(each) for each in changes if not each.restored or each.message <= sent_until]


class RemovedFeed:
    """Publishes removals and restorations in log order. Implements `chatr.node.follower.Listener`.

    All changes of the records that are folded together are published at once, before the messages among these: a client
    that resumes from a message is not told again what was removed before it. The follower folds 128 kB at a time, which
    hide at most some 1,500 messages.
    """

    def __init__(self, node: Node, hub: FanOut) -> None:
        self._node = node
        self._hub = hub
        # Changes that the room has already, as from a checkpoint, are not published.
        self._published = len(self._changes)

    def changes_from(self, index: int, limit: int) -> Sequence[VisibilityChange]:
        """Return at most so many of the room's changes from this one on, counted from 0."""
        return self._changes[index : index + limit]

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:  # noqa: ARG002 -- the room has all of them
        """Publish the changes that the room has had."""
        removals = room.history.removals
        # This runs for each post, and few records hide or show a message.
        if len(removals.changes) == self._published:
            return
        changes, self._published = removals.changes[self._published :], len(removals.changes)
        if hidden := {frames.id_prefix(each.message) for each in changes if each.message in removals}:
            self._hub.withdraw(lambda frame: frames.id_prefix_of(frame) in hidden)
        if self._hub.has_removal_watchers:
            self._hub.publish_removed(map(frames.removed, changes))

    def room_replaced(self, room: Room) -> None:
        """Forget the changes of the log that was replaced. Its watchers were dropped."""
        self._published = len(room.history.removals.changes)

    @property
    def _changes(self) -> list[VisibilityChange]:
        return self._node.room.history.removals.changes
