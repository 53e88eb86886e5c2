"""Strategies that make up what they should, and not only the simplest of it."""

import pytest
from hypothesis import Phase, find, given, settings

from chatr.codec import TYPES
from chatr.domain.events import Event, Record
from chatr.testing.strategies import events, histories

ANY = settings(max_examples=1000, phases=[Phase.generate], database=None)
"""The first one found will do, however large."""


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_every_type_of_event_comes_up(kind: type[Event]) -> None:
    """Facts and histories of every type are found."""
    event = find(events(), lambda event: isinstance(event, kind), settings=ANY)
    history = find(histories(), lambda history: any(isinstance(record.event, kind) for record in history), settings=ANY)

    assert isinstance(event, kind)
    assert history


def times_of(history: list[Record]) -> list[int]:
    return [record.event.at for record in history]


@given(histories())
def test_positions_are_dense(history: list[Record]) -> None:
    """A history is a log from its beginning, decided by one node."""
    assert [record.position for record in history] == list(range(1, len(history) + 1))
    assert [record.seen for record in history] == list(range(len(history)))


@given(histories(forward=True))
def test_clocks_go_forward_on_demand(history: list[Record]) -> None:
    """With `forward`, time follows the log."""
    assert times_of(history) == sorted(times_of(history))


def test_clocks_step_back_otherwise() -> None:
    """Without it, some history has a step back in it."""
    stepping = find(histories(), lambda history: times_of(history) != sorted(times_of(history)), settings=ANY)

    assert len(stepping) >= 2
