"""What is made once for many is always what making it anew would give."""

from itertools import count

import orjson
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http import frames, render, shared
from chatr.adapters.http.agents import listed
from chatr.adapters.http.shared import Shared
from chatr.domain.events import Record
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.strategies import histories

CLOCKS = st.lists(st.integers(START - 50 * MINUTE, START + 100 * MINUTE), min_size=1)


@given(histories())
def test_a_message_shows_its_author_as_it_is_now(history: list[Record]) -> None:
    """Whatever was made of a message before, it shows the badge that its author has by now."""
    room = Room()
    for record in history:
        room.apply(record)
        for said in room.history.last(10):
            author = room.agent(said.agent)

            assert orjson.dumps(shared.message(said, author)) == orjson.dumps(render.message(said, author))


@given(histories())
def test_the_newest_messages_are_those_of_now(history: list[Record]) -> None:
    """After each record a new watcher gets the history that holds then."""
    room, made = Room(), Shared(lambda room, _now: frames.history(room, 5))
    for record in history:
        room.apply(record)

        assert made.at(room, START) == frames.history(room, 5)


@given(histories(), st.data())
def test_who_is_online_is_told_as_of_now(history: list[Record], data: st.DataObject) -> None:
    """After each record, and wherever the clock goes, the list is the one that making it anew would give."""
    room, made = Room(), Shared(listed, Room.online_until)
    for record in history:
        room.apply(record)
        for now in data.draw(CLOCKS):
            assert made.at(room, now) == listed(room, now)


def test_while_nothing_changes_it_is_made_once() -> None:
    """Neither a second look nor a later one costs anything until there is something new."""
    numbers = count()
    made, room = Shared(lambda _room, _now: next(numbers), lambda _room, now: now + 10), Room()

    assert [made.at(room, now) for now in (100, 100, 109, 110, 119, 99)] == [0, 0, 0, 1, 1, 2]


def test_another_room_is_another_thing() -> None:
    """A log that was replaced may stand at the same position."""
    made = Shared(lambda room, _now: id(room))
    rooms = [Room(), Room()]

    assert [made.at(room, START) for room in rooms] == [id(room) for room in rooms]
