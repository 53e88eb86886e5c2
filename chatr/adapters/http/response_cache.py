"""Caches shared by all clients: wire messages, and values that are valid until the room changes."""

from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar
from weakref import ref

from chatr import to_wire, wire
from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.room import Room
from chatr.domain.standing import Standing
from chatr.domain.verification import Badge

T = TypeVar("T")


def message_now(room: Room, posted: Message) -> wire.Message:
    """Return a message as it is to be shown now: without its text if it is hidden."""
    removal = room.history.removals.by_message.get(posted.cursor.position)
    return message(room, posted) if removal is None else to_wire.message_in(room, posted, removal=removal)


def message(room: Room, posted: Message) -> wire.Message:
    """Return a message that is not hidden, with the current badge of its author. The result is cached."""
    author = room.agent(posted.agent)
    mentions = to_wire.mentioned_names(room, posted.cursor.position)
    return _message(posted, author.name, author.avatar, author.badge, author.standing, mentions)


# The key is what a message shows, not the Agent: every event makes a new Agent, and the cache would miss.
# The objects are cached and not their JSON: to encode one takes 0.15 µs, to make one takes ten times as long.
@lru_cache(MESSAGES_IN_MEMORY)
def _message(
    posted: Message,
    name: str,
    avatar: str | None,
    badge: Badge | None,
    standing: Standing | None,
    mentions: tuple[str, ...],
) -> wire.Message:
    return to_wire.message(posted, Agent(posted.agent, name, avatar, badge=badge, standing=standing), mentions)


def forget_messages() -> None:
    """Forget all messages, because texts were erased."""
    _message.cache_clear()


class CachedValue(Generic[T]):
    """A value that is computed from the room, and again when the room is another one or its version has changed.

    `version` returns what stands for the part of the room that the value shows; by default all of it, the position.
    """

    def __init__(
        self, compute: Callable[[Room], T], version: Callable[[Room], object] = lambda room: room.position
    ) -> None:
        self._compute = compute
        self._version = version
        # The room of a log that replaced the old one may have the same version. The old one must not be kept for this.
        self._computed_of: tuple[ref[Room], object] | None = None
        self._value: T | None = None

    def forget(self) -> None:
        """Forget the value."""
        self._value = self._computed_of = None

    def of(self, room: Room) -> T:
        """Return the value for `room` as it is."""
        version = self._version(room)
        known = self._computed_of
        if self._value is None or known is None or known[0]() is not room or known[1] != version:
            self._value, self._computed_of = self._compute(room), (ref(room), version)
        return self._value
