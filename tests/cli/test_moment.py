"""POSITION and TIME, as they may be written."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.render import iso
from chatr.cli.moment import moment
from chatr.past import Moment, Time
from chatr.testing.clock import START


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1042", 1042),
        ("20260101", 20260101),
        ("9" * 18, 10**18 - 1),
        ("2026-01-01", Time(START)),
        ("2026-01-01T00:00", Time(START)),
        ("2026-01-01 00:00:01", Time(START + 1000)),
        ("2026-01-01T00:00:00.001Z", Time(START + 1)),
        ("2026-01-01T00:00:00.001999", Time(START + 1)),
        ("2026-01-01T02:00+02:00", Time(START)),
        ("2025-12-31T19:00:00-05:00", Time(START)),
        ("2026-W01-4", Time(START)),
        ("1969-12-31T23:59:59.9999", Time(-1)),
    ],
)
def test_a_moment(text: str, expected: Moment) -> None:
    """Digits are a position; ISO 8601 is a time, in UTC unless it names a zone, down to the millisecond."""
    assert moment(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "-1",
        "+1",
        "1.5",
        "1_000",
        "٣",
        "9" * 19,
        "9" * 5000,
        "2026-13-01",
        "2026-02-30",
        "12:00",
        "0x10",
    ],
)
def test_no_moment(text: str) -> None:
    """Everything else is refused, with an example of what would do."""
    with pytest.raises(ArgumentTypeError, match=r"such as 1042.*such as 2026-01-31T12:00"):
        moment(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_at_the_end_of_the_calendar(text: str) -> None:
    """The first and the last times that can be written are times in every zone."""
    assert moment(text) == Time(
        (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(0, 0, 1000)
    )


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_that_was_printed_is_understood(at: int) -> None:
    """Every time that a command prints can be given to another one, and means that millisecond."""
    assert moment(iso(at)) == Time(at)
