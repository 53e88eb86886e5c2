"""The metrics by name, in Prometheus's text format: made of counts, and of the state of the room when they are read.

This is the only module that imports prometheus-client, which is an optional dependency.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate, chain
from typing import Final

from attrs import field, frozen
from prometheus_client import Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from chatr.adapters.metrics.counts import BOUNDS, Durations
from chatr.adapters.metrics.sources import Counts, HttpState, NodeState, Sources, Verification
from chatr.wire.errors import ErrorCode

BUCKETS: Final = (*map(str, BOUNDS), "+Inf")


@frozen
class Exposition(Collector):
    """Collects the metrics of one room and of its process. Nothing is shared with other rooms of the process."""

    _sources: Sources
    # With `registry`, the global one would collect it, too.
    _process: ProcessCollector = field(factory=lambda: ProcessCollector(registry=None))

    def text(self) -> bytes:
        """Return the metrics in the text format, version 0.0.4."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics that have a value now: those of a room that still opens its log are fewer."""
        http, node = self._sources.http, self._sources.node
        of_http = http_metrics(http) if http else ()
        of_node = node_metrics(node) if node else ()
        yield from chain(self._process.collect(), counted_metrics(self._sources.counts), of_http, of_node)


def counted_metrics(counts: Counts) -> Iterator[Metric]:
    """Yield what is counted: requests, error responses, appends and records."""
    text = "Time from the head of a request to its response, or to the beginning of a stream."
    yield histogram("http_server_request_duration_seconds", text, counts.requests.durations, "http_route")
    # Every code from the first scrape on: Prometheus sees no increase where a series appears with the value 1.
    refusals = {code.value: 0 for code in ErrorCode} | counts.requests.refusals
    yield counter("chatr_refusals", "Error responses.", refusals, "code")
    text = "Time until a record is durable and folded, or its append has failed."
    yield histogram("chatr_append_duration_seconds", text, {"": counts.appends.durations})
    yield counter("chatr_append_conflicts", "Appends that another record preceded.", {"": counts.appends.conflicts})
    yield counter("chatr_records", "Records of all nodes since this one opened.", counts.records.by_name(), "type")


def http_metrics(http: HttpState) -> Iterator[Metric]:
    """Yield what is known of connections and streams."""
    yield gauge("chatr_connections", "Open connections.", {"": http.connections})
    yield gauge("chatr_streams", "Open streams, and requests that wait for a message.", http.streams, "kind")
    yield gauge("chatr_max_streams", "Streams that may be open.", {"": http.max_streams})
    text = "Streams that the server ended because of their clients or of a replaced log."
    yield counter("chatr_stream_evictions", text, http.evictions, "reason")


def node_metrics(node: NodeState) -> Iterator[Metric]:
    """Yield what this node knows of the log and the room. What is unknown while the store is away is left out."""
    room = node.room
    yield gauge("chatr_position", "Position of the last record that is folded here.", {"": room.position})
    if node.verification is not None:
        yield from verification_metrics(node.verification)
    if (age := node.head_age()) is not None:
        yield gauge("chatr_head_age_seconds", "Time since the last record.", {"": age})
    if node.lag is not None:
        yield gauge("chatr_follow_lag_records", "Records of the log that are not folded here yet.", {"": node.lag})
    yield gauge("chatr_store_up", "Whether the store answers, and appends succeed.", {"": int(node.store_is_up)})
    # Sizes that the room keeps anyway: a scrape must not look at every agent.
    states = {"registered": len(room.agents), "online": len(room.presence), "suspended": node.suspended()}
    yield gauge("chatr_agents", "Agents.", states, "state")


def verification_metrics(verification: Verification) -> Iterator[Metric]:
    """Yield how far the log was verified, and where it was altered."""
    text = "Position up to which the hash of every record was checked."
    yield gauge("chatr_verified_position", text, {"": verification.verified_to})
    text = "Position of the first record that is not what was stored; 0 if there is none."
    yield gauge("chatr_altered_position", text, {"": verification.altered or 0})


def gauge(name: str, text: str, values: Mapping[str, float], label: str = "") -> Metric:
    """Return a gauge with a value for each value of `label`, or without a label."""
    return filled(GaugeMetricFamily(name, text, labels=labels(label)), values)


def counter(name: str, text: str, values: Mapping[str, float], label: str = "") -> Metric:
    """Return a counter, to whose name `_total` is added."""
    return filled(CounterMetricFamily(name, text, labels=labels(label)), values)


def filled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    """Add the values to a family and return it."""
    for label_value, value in values.items():
        family.add_metric(labels(label_value), value)
    return family


def histogram(name: str, text: str, durations: Mapping[str, Durations], label: str = "") -> Metric:
    """Return a histogram with a distribution for each value of `label`, or without a label."""
    family = HistogramMetricFamily(name, text, labels=labels(label))
    for label_value, each in durations.items():
        buckets = list(zip(BUCKETS, map(float, accumulate(each.counts)), strict=True))
        family.add_metric(labels(label_value), buckets, each.sum)
    return family


def labels(label: str) -> list[str]:
    """Return the only label or its value as a list, which is empty without one."""
    return [label] if label else []
