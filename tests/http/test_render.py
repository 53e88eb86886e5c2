"""What is written on the wire is ISO 8601, whatever stands in the log."""

import pytest

from chatr.adapters.http.render import iso


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600_001, "2026-01-01T00:00:00.001Z"),
        (-1, "1970-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (2**63 - 1, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_every_time_can_be_written(at: int, written: str) -> None:
    """A time that was spoiled is told as the end of time that is nearer; nobody's request fails for it."""
    assert iso(at) == written
