"""Reading the metrics of a room as Prometheus does."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from chatr.setting_values import ListenAddress
from tests.conftest import OpenRoom, Room
from tests.stream_client import request

FREE_PORT: Final = ListenAddress("127.0.0.1", 0)


@frozen
class Scrape:
    """The samples of a scrape, by name and labels."""

    text: str
    samples: Mapping[tuple[str, tuple[tuple[str, str], ...]], float]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a sample; None if there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def sum(self, name: str) -> float:
        """Return the sum over all labels."""
        return sum(value for (each, _), value in self.samples.items() if each == name)

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {name for name, _ in self.samples}


@frozen
class MeasuredRoom:
    """A room and the address of its metrics."""

    room: Room
    url: str

    async def scrape(self) -> Scrape:
        """Return the metrics as of now."""
        head, _, body = (await exchange(self.url, request("/metrics"))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        text = body.decode()
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        by_name = {(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}
        assert len(by_name) == len(samples), "no sample is there twice"
        return Scrape(text, by_name)


async def exchange(url: str, sent: bytes) -> bytes:
    """Send bytes on a new connection, and return everything that comes back until it ends."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(sent)
        return await reader.read()
    finally:
        writer.close()


async def open_measured(open_room: OpenRoom, **settings: Any) -> MeasuredRoom:
    """Open a room with metrics."""
    with capture_logs() as lines:
        room = await open_room(metrics=FREE_PORT, **settings)
    return MeasuredRoom(room, next(line["url"] for line in lines if line["event"] == "serving_metrics"))


def calls_of(function: Callable[[], object]) -> int:
    """Return how many functions are called while `function` runs, those in C included: work, and not time."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count
