"""Timestamps as text."""

import pytest

from chatr.domain.timestamps import iso_timestamp


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600_001, "2026-01-01T00:00:00.001Z"),
        (-1, "1970-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (2**63 - 1, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_any_time_can_be_formatted(milliseconds: int, text: str) -> None:
    """A time outside of the calendar becomes the nearest one inside, so that no request fails because of it."""
    assert iso_timestamp(milliseconds) == text
