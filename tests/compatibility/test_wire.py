"""Responses of a running server have the recorded bytes; what is random, timed or prose is left out."""

import asyncio

import pytest

from tests.compatibility import wire

RECORDED = wire.recorded_exchanges()


@pytest.fixture(scope="module")
def recorded() -> dict[tuple[str, str], str]:
    files = asyncio.run(wire.record_all())
    return {(name, title): text for name, exchanges in files.items() for title, text in exchanges.items()}


@pytest.mark.parametrize("exchange", RECORDED, ids=": ".join)
def test_a_response_has_the_recorded_bytes(exchange: tuple[str, str], recorded: dict[tuple[str, str], str]) -> None:
    """Status line, headers in their order, and body are those that an earlier version sent."""
    assert recorded.get(exchange) == RECORDED[exchange]


def test_every_exchange_is_recorded(recorded: dict[tuple[str, str], str]) -> None:
    """Each exchange that is recorded has its section in a recorded file."""
    assert recorded.keys() - RECORDED.keys() == set()
