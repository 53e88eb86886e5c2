"""The clients as programs: each prints the JSON of every event that its library dispatches, or ends with an error."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tests.clients.installed import install
from tests.requirements import node

CLIENTS: Final[Mapping[str, Sequence[str]]] = {
    "requests": ("with_requests.py",),
    "sseclient-py": ("with_sseclient_py.py",),
    "sseclient": ("with_sseclient.py",),
    "httpx-sse": ("with_httpx_sse.py",),
    "aiohttp-sse-client2": ("with_aiohttp_sse_client2.py",),
    "eventsource 2": ("with_eventsource.mjs", "eventsource2"),
    "eventsource 3": ("with_eventsource.mjs", "eventsource3"),
    "eventsource 4": ("with_eventsource.mjs", "eventsource4"),
    "eventsource 5": ("with_eventsource.mjs", "eventsource5"),
    "fetch-event-source": ("with_fetch_event_source.mjs",),
    "fetch": ("with_fetch.mjs",),
    "curl": ("with_curl.sh",),
}
"""The program of each client, and its arguments behind the URL of the stream."""


@frozen
class Client:
    """A running client, which writes the data of each event as a line of a file."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages so far: those of histories, and those that came alone."""
        # JSON of these programs has no line feed inside, but may have other characters at which str.splitlines breaks.
        *lines, _incomplete = self.output.read_text("utf-8").split("\n")
        events = [json.loads(line) for line in lines]
        return [
            message
            for event in events
            for message in {"history": event["data"], "message": [event["data"]]}.get(event["type"], [])
        ]

    @property
    def is_running(self) -> bool:
        """Whether it has not ended. None of them does, unless something is wrong."""
        return self.process.poll() is None

    def has_begun(self) -> bool:
        """Return whether it has received anything."""
        return self.output.stat().st_size > 0

    def has_message(self, message_id: str) -> bool:
        """Return whether it has received this message."""
        return message_id in [message["id"] for message in self.messages()]

    def description(self) -> str:
        """Return what is known about what went wrong."""
        ids = [message["id"] for message in self.messages()]
        return f"exit code {self.process.poll()}, received {ids}, stderr: {self.errors.read_text('utf-8')[-1500:]}"


@contextmanager
def running_clients(url: str, results: Path) -> Iterator[dict[str, Client]]:
    """Start every client on the stream at `url`, and kill them at the end. Their output is in `results`."""
    folder = install()
    clients: dict[str, Client] = {}
    try:
        for name in CLIENTS:
            clients[name] = start_client(name, url, folder, results)
        yield clients
    finally:
        for client in clients.values():
            client.process.kill()
            client.process.wait()


def start_client(name: str, url: str, folder: Path, results: Path) -> Client:
    """Start the program of one client in `folder`, where what it imports is installed."""
    program, *arguments = CLIENTS[name]
    interpreter = {".py": sys.executable, ".mjs": node(), ".sh": "bash"}[Path(program).suffix]
    # The two packages have the same module name, so one of them is installed in a folder of its own.
    path = {"PYTHONPATH": str(folder / "sseclient")} if name == "sseclient" else {}
    output, errors = results / f"{name}.jsonl", results / f"{name}.txt"
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(
            [interpreter, folder / program, url, *arguments], env=os.environ | path, stdout=stdout, stderr=stderr
        )
    return Client(process, output, errors)
