"""POSITION and TIME are parsed from the command line."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.cli.moment import parse_moment
from chatr.domain.timestamps import iso_timestamp
from chatr.past.replay import Moment, Timestamp
from chatr.testing.clock import START


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1042", 1042),
        ("20260101", 20260101),
        ("9" * 18, 10**18 - 1),
        ("2026-01-01", Timestamp(START)),
        ("2026-01-01T00:00", Timestamp(START)),
        ("2026-01-01 00:00:01", Timestamp(START + 1000)),
        ("2026-01-01T00:00:00.001Z", Timestamp(START + 1)),
        ("2026-01-01T00:00:00.001999", Timestamp(START + 1)),
        ("2026-01-01T02:00+02:00", Timestamp(START)),
        ("2025-12-31T19:00:00-05:00", Timestamp(START)),
        ("2026-W01-4", Timestamp(START)),
        ("1969-12-31T23:59:59.9999", Timestamp(-1)),
    ],
)
def test_positions_and_times_are_parsed(text: str, expected: Moment) -> None:
    """Digits are a position; ISO 8601 is a time, in UTC unless it has an offset, rounded down to the millisecond."""
    assert parse_moment(text) == expected


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
def test_other_text_is_rejected(text: str) -> None:
    """The error gives an example of a position and of a time."""
    with pytest.raises(ArgumentTypeError, match=r"such as 1042.*such as 2026-01-31T12:00"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_at_the_ends_of_the_calendar_are_parsed(text: str) -> None:
    """The first and the last times that can be written are parsed, with any offset."""
    assert parse_moment(text) == Timestamp(
        (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(0, 0, 1000)
    )


@given(st.integers(0, 253_402_300_799_999))
def test_every_printed_time_is_parsed(at: int) -> None:
    """A time that one command prints is understood by another, to the millisecond."""
    assert parse_moment(iso_timestamp(at)) == Timestamp(at)
