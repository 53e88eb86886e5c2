"""Cached values equal those that are computed anew."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from chatr import to_wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.response_cache import CachedValue
from chatr.adapters.http.stream import frames
from chatr.domain.events import Record
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.strategies import histories

CLOCKS = st.lists(st.integers(START - 50 * MINUTE, START + 100 * MINUTE), min_size=1)


@given(histories())
def test_a_cached_message_shows_the_present_badge(history: list[Record]) -> None:
    """A message shows the badge that its author has now, whatever was cached before."""
    room = Room()
    for record in history:
        room.apply(record)
        for message in room.history.last(10):
            assert response_cache.message(room, message) == to_wire.message_in(room, message)


@given(histories())
def test_the_cached_history_is_current(history: list[Record]) -> None:
    """After each record, the cached history frame is the current one."""
    room, cached = Room(), CachedValue(lambda room: frames.history(room, room.history.last(5), 5))
    for record in history:
        room.apply(record)

        assert cached.of(room) == frames.history(room, room.history.last(5), 5)


def test_a_value_is_computed_once_while_its_version_is_the_same() -> None:
    """A value is computed again only when the version of the room has changed."""
    numbers, versions = count(), iter("aaabba")
    cached, room = CachedValue(lambda _room: next(numbers), lambda _room: next(versions)), Room()

    assert [cached.of(room) for _ in range(6)] == [0, 0, 0, 1, 1, 2]


def test_another_room_makes_the_value_invalid() -> None:
    """A log that was replaced may be at the same position, and its value is computed anew."""
    cached = CachedValue(id)
    rooms = [Room(), Room()]

    assert [cached.of(room) for room in rooms] == [id(room) for room in rooms]
