"""The record hash is stored for ever, so it is always computed in the same form."""

from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Draft

RECORD: Final = Draft("5f0c", "agent/ada", "noted.v1", 1_700_000_000_000, 3, '{"a":"\u00e4"}')


def test_the_record_hash_never_changes() -> None:
    """Every version of chatr computes the same hash for the same record."""
    assert RECORD.record_hash_after(7).hex() == "a86033ec0ec8b4796abd1db0ac652e15664530dcdc92194e54a08fa5e7d64081"


ALTERED: Final = {
    "id": evolve(RECORD, id="5f0d"),
    "stream": evolve(RECORD, stream="agent/bob"),
    "type": evolve(RECORD, type="noted.v2"),
    "at": evolve(RECORD, at=1_700_000_000_001),
    "seen": evolve(RECORD, decided_at_position=4),
    "data": evolve(RECORD, data='{"a":"a"}'),
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED)
def test_the_record_hash_covers_every_field(altered: Draft) -> None:
    """A record of which any field was altered has another hash."""
    assert altered.record_hash_after(7) != RECORD.record_hash_after(7)


def test_the_record_hash_covers_the_previous_position() -> None:
    """A record that was moved to follow another one has another hash."""
    assert RECORD.record_hash_after(8) != RECORD.record_hash_after(7)
