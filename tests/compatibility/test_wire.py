"""Responses of a running server have the kept bytes, but for what is random, depends on time, or may be reworded."""

import asyncio

import pytest

from tests.compatibility import wire

KEPT = wire.kept()


@pytest.fixture(scope="module")
def recorded() -> dict[tuple[str, str], str]:
    files = asyncio.run(wire.record_all())
    return {(name, title): text for name, exchanges in files.items() for title, text in exchanges.items()}


@pytest.mark.parametrize("exchange", KEPT, ids=": ".join)
def test_a_response_has_the_kept_bytes(exchange: tuple[str, str], recorded: dict[tuple[str, str], str]) -> None:
    """Status line, headers in their order, and body are those that an earlier version sent."""
    assert recorded.get(exchange) == KEPT[exchange]


def test_every_exchange_is_kept(recorded: dict[tuple[str, str], str]) -> None:
    """Each exchange that is recorded has its section in a kept file."""
    assert recorded.keys() - KEPT.keys() == set()
