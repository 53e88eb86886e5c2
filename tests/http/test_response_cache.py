"""Cached values equal those that are computed anew."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from chatr import to_wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.endpoints.agents import online_list
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
            author = room.agent(message.agent)

            assert response_cache.message(message, author) == to_wire.message(message, author)


@given(histories())
def test_the_cached_history_is_current(history: list[Record]) -> None:
    """After each record, the cached history frame is the current one."""
    room, cached = Room(), CachedValue(lambda room, _now: frames.history(room, 5))
    for record in history:
        room.apply(record)

        assert cached.at(room, START) == frames.history(room, 5)


@given(histories(), st.data())
def test_the_cached_list_of_agents_is_current(history: list[Record], data: st.DataObject) -> None:
    """After each record, and wherever the clock goes, the cached list equals a new one."""
    room, cached = Room(), CachedValue(online_list, Room.presence_unchanged_until)
    for record in history:
        room.apply(record)
        for now in data.draw(CLOCKS):
            assert cached.at(room, now) == online_list(room, now)


def test_a_value_is_computed_once_while_it_is_valid() -> None:
    """A value is computed again only when it has expired, or when the clock has stepped back."""
    numbers = count()
    cached, room = CachedValue(lambda _room, _now: next(numbers), lambda _room, now: now + 10), Room()

    assert [cached.at(room, now) for now in (100, 100, 109, 110, 119, 99)] == [0, 0, 0, 1, 1, 2]


def test_another_room_makes_the_value_invalid() -> None:
    """A log that was replaced may be at the same position, and its value is computed anew."""
    cached = CachedValue(lambda room, _now: id(room))
    rooms = [Room(), Room()]

    assert [cached.at(room, START) for room in rooms] == [id(room) for room in rooms]
