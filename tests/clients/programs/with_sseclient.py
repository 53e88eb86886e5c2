"""The package sseclient, which reconnects by itself unless nothing listens."""

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import import_module

from reconnecting import URL, follow

# By its name in a string: what mypy finds under this name is the package sseclient-py.
SSEClient = import_module("sseclient").SSEClient


def events(last_id: str) -> Iterator[tuple[str, str]]:
    for event in SSEClient(URL, last_id=last_id or None, timeout=60):
        if event.data:  # it takes the end of a response, which is a blank line of HTTP, for the end of an event
            yield event.id or "", event.data


with redirect_stdout(sys.stderr):  # it prints why it reconnects
    follow(events)
