"""The metrics of one room: they are served while it runs, and fed by it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module

import structlog
from attrs import field, frozen

from chatr.adapters.metrics.counts import RecordCounts, RequestCounts
from chatr.adapters.metrics.listener import CannotServeMetrics, metrics_listener
from chatr.adapters.metrics.sources import HttpState, NodeState, Sources, Verification
from chatr.node.node import Node
from chatr.ports import Clock, LogReader

logger = structlog.get_logger()


@frozen
class RoomMetrics:
    """What a room feeds. If its metrics are off (`is_on`), nothing is given to the parts of the room to be fed."""

    is_on: bool
    sources: Sources = field(factory=Sources)

    @property
    def requests(self) -> RequestCounts | None:
        """What the web server feeds."""
        return self.sources.counts.requests if self.is_on else None

    @property
    def listeners(self) -> list[RecordCounts]:
        """What the follower feeds."""
        return [self.sources.counts.records] if self.is_on else []

    def show(
        self, http: HttpState, node: Node, log: LogReader, clock: Clock, verification: Verification | None = None
    ) -> None:
        """Show the state of these parts, and count the appends of the node, from now on."""
        if self.is_on:
            node.commands.observer = self.sources.counts.appends
            self.sources.http = http
            self.sources.node = NodeState(node, log, clock, self.sources.counts.records, verification)

    def count_records(self) -> None:
        """Count records from now on: what a start reads happened long ago."""
        self.sources.counts.records.is_open = True


@asynccontextmanager
async def serving_metrics(address: tuple[str, int] | None) -> AsyncIterator[RoomMetrics]:
    """Serve metrics at this host and port while the block runs; without them, yield metrics that are off.

    Raises CannotServeMetrics.
    """
    metrics = RoomMetrics(address is not None)
    if address is None:
        yield metrics
        return
    to_text = text_function(metrics.sources)

    async def render() -> bytes:
        # The store is asked at each scrape, so that its state is as fresh as the other figures.
        if (node := metrics.sources.node) is not None:
            await node.ask_store()
        return to_text()

    async with metrics_listener(*address, render) as url:
        logger.info("serving_metrics", url=url)
        yield metrics


def text_function(sources: Sources) -> Callable[[], bytes]:
    """Return the function that returns the metrics as text. Raises CannotServeMetrics if its library is missing."""
    # Imported only here, because prometheus-client is an optional dependency.
    try:
        exposition = import_module("chatr.adapters.metrics.exposition")
    except ImportError as error:
        raise CannotServeMetrics(
            "--metrics needs the package prometheus-client (chatr's extra `metrics`): pip install prometheus-client."
        ) from error
    to_text: Callable[[], bytes] = exposition.Exposition(sources).text
    return to_text
