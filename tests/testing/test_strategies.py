"""The strategies generate everything that they should, not only the simplest examples."""

from typing import get_args

import pytest
from hypothesis import Phase, find, given, settings

from chatr.codec import EVENT_TYPES
from chatr.domain.events import Event, Record, RoomEvent
from chatr.domain.key_events import KeyEvent
from chatr.domain.moderation_events import ModerationEvent
from chatr.testing.strategies import events, histories

ANY = settings(max_examples=1000, phases=[Phase.generate], database=None)
"""The first example found is used, however large it is."""


OF_OPERATORS = (*get_args(KeyEvent), *get_args(ModerationEvent), *get_args(RoomEvent))
"""Types of events that take longer to be found in logs."""


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=name, marks=[pytest.mark.long] if kind in OF_OPERATORS else [])
        for name, kind in EVENT_TYPES.items()
    ],
)
def test_every_type_of_event_is_generated(kind: type[Event]) -> None:
    """Events of every type are generated, alone and in logs."""
    event = find(events(), lambda event: isinstance(event, kind), settings=ANY)
    history = find(histories(), lambda history: any(isinstance(record.event, kind) for record in history), settings=ANY)

    assert isinstance(event, kind)
    assert history


def times_of(history: list[Record]) -> list[int]:
    """The times of the records of a log."""
    return [record.event.at for record in history]


@given(histories())
def test_positions_are_dense(history: list[Record]) -> None:
    """A history is a log from its first position on, decided by a single node."""
    assert [record.position for record in history] == list(range(1, len(history) + 1))
    assert [record.decided_at_position for record in history] == list(range(len(history)))


@given(histories(forward=True))
def test_times_ascend_with_forward(history: list[Record]) -> None:
    """With `forward` set, the times ascend with the positions."""
    assert times_of(history) == sorted(times_of(history))


def test_times_step_back_without_forward() -> None:
    """Without `forward`, the times of some history step back."""
    stepping = find(histories(), lambda history: times_of(history) != sorted(times_of(history)), settings=ANY)

    assert len(stepping) >= 2
