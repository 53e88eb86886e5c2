"""Caches shared by all clients: wire messages, and values that are valid until the room changes or they expire."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from typing import Generic, TypeVar

from chatr import to_wire, wire
from chatr.domain.agent import Agent, Badge
from chatr.domain.history import Message
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.room import Room

T = TypeVar("T")


def message(posted: Message, author: Agent) -> wire.Message:
    """Return a message as a wire type, with the current badge of its author. The result is cached."""
    return _message(posted, author.name, author.avatar, author.badge)


# The key is name, avatar and badge, not the Agent: every event makes a new Agent, and the cache would miss.
# The objects are cached and not their JSON: to encode one takes 0.15 µs, to make one takes ten times as long.
@lru_cache(MESSAGES_IN_MEMORY)
def _message(posted: Message, name: str, avatar: str | None, badge: Badge | None) -> wire.Message:
    return to_wire.message(posted, Agent(posted.agent, name, avatar, badge=badge))


class CachedValue(Generic[T]):
    """A value that is computed from the room and the time, and computed again when either makes it out of date.

    `compute` gets the room and the time in milliseconds. `valid_until` gets the same and returns the time at which the
    value expires although nothing was recorded; by default it never does.
    """

    def __init__(
        self,
        compute: Callable[[Room, int], T],
        valid_until: Callable[[Room, int], float] = lambda _room, _now: inf,
    ) -> None:
        self._compute = compute
        self._valid_until = valid_until
        self._room = Room()
        self._position = -1
        self._validity = (0.0, 0.0)
        self._value: T | None = None

    def at(self, room: Room, now: int) -> T:
        """Return the value for `room` as it is, at `now`."""
        start, end = self._validity
        # The room of a log that replaced the old one may be at the same position. If the clock stepped back before
        # `start`, agents may be online again that the value leaves out.
        valid = self._room is room and self._position == room.position and start <= now < end
        if not valid or self._value is None:
            self._value = self._compute(room, now)
            self._room, self._position, self._validity = room, room.position, (now, self._valid_until(room, now))
        return self._value
