"""The lines of the stream, read with requests."""

from collections.abc import Iterator

import requests
from reconnecting import URL, follow


def events(last_id: str) -> Iterator[tuple[str, str]]:
    headers = {"Last-Event-ID": last_id}
    with requests.get(URL, headers=headers, stream=True, timeout=60) as response:
        event = {"id": "", "data": ""}
        # With decode_unicode, which does what str.splitlines does, lines would also end within a text.
        for line in response.iter_lines(chunk_size=1):
            field, _, value = line.decode().partition(": ")
            event[field] = value
            if not line:
                yield event["id"], event["data"]
                event = {"id": "", "data": ""}


follow(events)
