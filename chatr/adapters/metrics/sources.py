"""Where the metrics come from: counts, and the state of the web server and of the node."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

from attrs import define, field, frozen

from chatr.adapters.metrics.counts import AppendCounts, RecordCounts, RequestCounts
from chatr.domain.limits import SECOND
from chatr.domain.room import Room
from chatr.node.node import Node
from chatr.ports import Clock, LogReader, LogUnavailable

TIME_LIMIT: Final = 1.0
"""Seconds within which the store must answer."""


@frozen
class Counts:
    """Everything that is counted in one room."""

    requests: RequestCounts = field(factory=RequestCounts)
    appends: AppendCounts = field(factory=AppendCounts)
    records: RecordCounts = field(factory=RecordCounts)


class HttpState(Protocol):
    """The state of the web server as of now. `chatr.adapters.http.server_state` implements it."""

    @property
    def connections(self) -> int:
        """How many connections are open."""
        ...

    @property
    def streams(self) -> Mapping[str, int]:
        """How many streams are open, by kind."""
        ...

    @property
    def max_streams(self) -> int:
        """How many streams may be open."""
        ...

    @property
    def evictions(self) -> Mapping[str, int]:
        """How many streams the server ended, by reason."""
        ...


class Verification(Protocol):
    """What a node knows of the hashes of its log's records."""

    @property
    def verified_to(self) -> int:
        """The position up to which all records were checked."""
        ...

    @property
    def altered(self) -> int | None:
        """The first position at which a record is not what was stored; None if there is none."""
        ...


@define
class NodeState:
    """The state of a node, and what was known of its store when `ask_store` was called last.

    `store_is_up`: it answered, and appends succeed. `lag`: how many of its records the node has not folded; None if it
    did not answer. `verification` is None for a node that verifies nothing.
    """

    _node: Node
    _log: LogReader
    _clock: Clock
    _records: RecordCounts
    verification: Verification | None = None
    store_is_up: bool = False
    lag: int | None = None

    @property
    def room(self) -> Room:
        """The room as of now."""
        return self._node.room

    def head_age(self) -> float | None:
        """Return the seconds since the last record; None if its time is not known yet."""
        at = self._records.last_at
        return None if at is None else max(0, self._clock.now() - at) / SECOND

    def suspended(self) -> int:
        """Return how many agents are suspended now: operators suspend few."""
        now = self._clock.now()
        return sum(until is None or now < until for until in self.room.suspended.values())

    async def ask_store(self) -> None:
        """Ask the store for its head. Takes TIME_LIMIT seconds at most, and raises nothing."""
        head = None
        with suppress(TimeoutError, LogUnavailable):
            async with asyncio.timeout(TIME_LIMIT):
                head = await self._log.head()
                await self._read_last_time()
        # While a log is read that replaced the one before, the room is that of the old log.
        folded = 0 if self._node.follower.is_rereading else self.room.position
        self.lag = None if head is None else max(0, head - folded)
        self.store_is_up = head is not None and not self._node.readiness.appends_fail()

    async def _read_last_time(self) -> None:
        """Read the time of the last record, if the checkpoint held all records and none was folded since."""
        if self._records.last_at is None and (position := self.room.position):
            (last,) = await self._log.pick([position])
            self._records.found_last_at(last.at)


@define
class Sources:
    """All sources. Those of the node and of the web server are added when they exist: a start may take long."""

    counts: Counts = field(factory=Counts)
    http: HttpState | None = None
    node: NodeState | None = None
