"""Counts of what happens in a room, as plain numbers. Prometheus's own objects are made of them when they are read.

Those objects lock and look up labels at each count. docs/decisions/metrics.md has what that costs a post.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

from chatr.codec import TYPE_NAMES
from chatr.domain.events import Record
from chatr.domain.limits import SECOND
from chatr.domain.room import Room
from chatr.node.append_observer import AppendObserver

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds: from a request that reads memory to the longest long poll, of 25 s."""


class Durations:
    """Durations by size: `counts[i]` of at most `BOUNDS[i]` seconds and more than the bound before.

    The last count is that of longer ones.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds


class RequestCounts:
    """Requests by route, and error responses by code. Implements `chatr.adapters.http.observation.RequestMetrics`."""

    def __init__(self) -> None:
        self.durations: dict[str, Durations] = {}
        self.refusals: Counter[str] = Counter()

    def request_answered(self, route: str, seconds: float) -> None:
        """Count a request of `route` that was answered after `seconds`."""
        if (durations := self.durations.get(route)) is None:
            durations = self.durations[route] = Durations()
        durations.add(seconds)

    def request_refused(self, code: str) -> None:
        """Count an error response."""
        self.refusals[code] += 1


class AppendCounts(AppendObserver):
    """Appends by duration, and conflicts."""

    def __init__(self) -> None:
        self.durations = Durations()
        self.conflicts = 0

    def append_ended(self, milliseconds: int) -> None:
        """Count an append that was stored and folded, or failed, after `milliseconds`."""
        self.durations.add(milliseconds / SECOND)

    def append_conflicted(self) -> None:
        """Count an append that must be decided again, because another record came first."""
        self.conflicts += 1


class RecordCounts:
    """Records by type, from the moment at which `is_open` is set. Implements `chatr.node.follower.Listener`."""

    def __init__(self) -> None:
        self.by_type: Counter[type] = Counter()
        # What is read at a start happened long ago: counted, it would look like thousands of posts a second.
        self.is_open = False
        self.last_at: int | None = None
        """The time of the last record, in milliseconds since 1970; None if none was folded yet."""

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:  # noqa: ARG002 -- the listener's signature
        """Count the records."""
        if records:
            self.last_at = records[-1].event.at
        if self.is_open:
            self.by_type.update(type(record.event) for record in records)

    def found_last_at(self, at: int) -> None:
        """Set the time of the last record, unless a record was folded meanwhile, which is later."""
        if self.last_at is None:
            self.last_at = at

    def room_replaced(self, room: Room) -> None:
        """Do nothing: what was counted has happened, also if the log was replaced."""

    def by_name(self) -> dict[str, int]:
        """Return the counts of all types, also of those that did not occur, by their stored names."""
        return {name: self.by_type[event_class] for event_class, name in TYPE_NAMES.items()}
