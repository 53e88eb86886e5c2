"""The records and encodings that the tests of snapshots and checkpoints share."""

from io import BytesIO
from typing import Final

from chatr.domain.room import Room
from chatr.past.snapshot import Snapshot, write_snapshot
from chatr.past.snapshot_reading import read_snapshot
from chatr.testing.records import records_of
from tests.domain.examples import (
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_VERIFIED,
    LOBSTER_REGISTERED,
)

EVENTS: Final = (CRAB_REGISTERED, CRAB_SEEN, CRAB_POSTED, LOBSTER_REGISTERED, CRAB_VERIFIED, CRAB_LEFT)
RECORDS: Final = records_of(EVENTS)


def encoded(whole: Snapshot) -> bytes:
    """The content of the file of a snapshot."""
    write_snapshot(whole, file := BytesIO())
    return file.getvalue()


def decoded(content: bytes) -> Room:
    """The room of a file with this content."""
    return read_snapshot(BytesIO(content))
