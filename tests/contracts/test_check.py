"""The check of a record: stored for ever, so it can never be computed in another way."""

from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Draft

RECORD: Final = Draft("5f0c", "agent/ada", "noted.v1", 1_700_000_000_000, 3, '{"a":"\u00e4"}')


def test_the_check_of_a_record_is_frozen() -> None:
    """Logs written by any version of chatr carry the same digest of the same record."""
    assert RECORD.check_after(7).hex() == "a86033ec0ec8b4796abd1db0ac652e15664530dcdc92194e54a08fa5e7d64081"


ALTERED: Final = {
    "id": evolve(RECORD, id="5f0d"),
    "stream": evolve(RECORD, stream="agent/bob"),
    "type": evolve(RECORD, type="noted.v2"),
    "at": evolve(RECORD, at=1_700_000_000_001),
    "seen": evolve(RECORD, seen=4),
    "data": evolve(RECORD, data='{"a":"a"}'),
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED)
def test_the_check_covers_every_field(altered: Draft) -> None:
    """Whatever is altered in a stored record, its check no longer fits."""
    assert altered.check_after(7) != RECORD.check_after(7)


def test_the_check_covers_the_place_in_the_stream() -> None:
    """A record moved behind another one is another record."""
    assert RECORD.check_after(8) != RECORD.check_after(7)
