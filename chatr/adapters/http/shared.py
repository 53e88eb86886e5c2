"""Bytes that many are sent: made once, and sent for as long as they are true."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from typing import Generic, TypeVar

import orjson

from chatr.adapters.http import render
from chatr.domain.agent import Agent, Badge
from chatr.domain.history import Message
from chatr.domain.limits import MESSAGES_KEPT
from chatr.domain.room import Room

T = TypeVar("T")


def message(said: Message, author: Agent) -> orjson.Fragment:
    """A message as JSON. Its author's badge of now shows on it, and makes another of it."""
    return orjson.Fragment(_encoded(said, author.name, author.avatar, author.badge))


@lru_cache(MESSAGES_KEPT)
def _encoded(said: Message, name: str, avatar: str | None, badge: Badge | None) -> bytes:
    return orjson.dumps(render.message(said, Agent(said.agent, name, avatar, badge=badge)))


class Shared(Generic[T]):
    """What `make` makes of the room at a moment: kept until the room's next record, or `until` a later moment."""

    def __init__(self, make: Callable[[Room, int], T], until: Callable[[Room, int], float] = lambda _room, _now: inf):
        self._make = make
        self._until = until
        self._room = Room()
        self._position = -1
        self._true = (0.0, 0.0)
        self._value: T | None = None

    def at(self, room: Room, now: int) -> T:
        since, until = self._true
        same = self._room is room and self._position == room.position and since <= now < until
        if not same or self._value is None:
            self._value = self._make(room, now)
            self._room, self._position, self._true = room, room.position, (now, self._until(room, now))
        return self._value
