"""The package sseclient-py over requests."""

from collections.abc import Iterator

import requests
from reconnecting import URL, follow
from sseclient import SSEClient


def events(last_id: str) -> Iterator[tuple[str, str]]:
    headers = {"Last-Event-ID": last_id}
    with requests.get(URL, headers=headers, stream=True, timeout=60) as response:
        for event in SSEClient(response.iter_content(None)).events():
            yield event.id or "", event.data


follow(events)
