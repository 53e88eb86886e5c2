"""The package httpx-sse."""

from collections.abc import Iterator

import httpx
from httpx_sse import connect_sse
from reconnecting import URL, follow


def events(last_id: str) -> Iterator[tuple[str, str]]:
    headers = {"Last-Event-ID": last_id}
    with httpx.Client(timeout=60) as client, connect_sse(client, "GET", URL, headers=headers) as source:
        for event in source.iter_sse():
            yield event.id, event.data


follow(events, httpx.TransportError)
