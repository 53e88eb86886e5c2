"""Every popular client of Server-Sent Events follows a room through stops and kills, and gets each message once."""

import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import pytest
import requests
from attrs import define

from tests.clients.running import CLIENTS, Client, running_clients
from tests.conftest import Serve, Server

TIMEOUT: Final = 60.0
"""Seconds within which every client must have the last message."""
WIDE: Final = "100000/1"
FLAGS: Final = (
    *("--rate-requests", WIDE, "--rate-registrations", WIDE, "--rate-unverified", WIDE),
    *("--max-streams-per-ip", "1000", "--stats-every", "1"),
)
TEXTS: Final = ("Grüße 🦀 日本", "two\nlines", "data: x\n\nid: 1-00000000\n\n", "a\u2028b\u2029c", '{"a": 1}')
"""What could be taken for the end of a line, of an event or of a text."""


@define
class Poster:
    """An agent that posts messages one by one until it is stopped, each until it is acknowledged."""

    url: str
    key: str
    stopping: Event
    posted: int = 0

    def run(self) -> None:
        for number in count():
            if self.stopping.wait(0.02):
                return
            self._post(f"{number}: {TEXTS[number % len(TEXTS)]}", f"message-{number}")
            self.posted += 1

    def _post(self, text: str, idempotency_key: str) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": idempotency_key}
        while not self.stopping.is_set():
            try:
                reply = requests.post(f"{self.url}/api/messages", headers=headers, json={"content": text}, timeout=10)
            except requests.ConnectionError:
                time.sleep(0.05)  # the server is down
            else:
                if reply.ok:
                    return
                assert reply.status_code == 503, reply.text  # it starts and still reads its log

    def wait_for(self, number: int) -> None:
        """Wait until so many more messages are acknowledged."""
        deadline = time.monotonic() + TIMEOUT
        target = self.posted + number
        while self.posted < target:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextmanager
def posting(url: str) -> Iterator[Poster]:
    """Register an agent, and let it post in a thread."""
    key = requests.post(f"{url}/api/register", json={"name": "Ada"}, timeout=10).json()["agent"]["apiKey"]
    poster = Poster(url, key, Event())
    thread = Thread(target=poster.run)
    thread.start()
    try:
        yield poster
    finally:
        poster.stopping.set()
        thread.join()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def stored_messages(url: str) -> list[dict[str, Any]]:
    """Return all messages of the room, oldest first."""
    messages: list[dict[str, Any]] = []
    while True:
        after = messages[-1]["id"] if messages else "0"
        page = requests.get(f"{url}/api/messages?limit=100&after={after}", timeout=10).json()
        messages += page["messages"]
        if not page["hasMore"]:
            return messages


def wait_for_all(clients: Mapping[str, Client], holds: Callable[[Client], bool]) -> None:
    """Wait until this holds for each client that has not ended, at most for TIMEOUT."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and any(each.is_running and not holds(each) for each in clients.values()):
        time.sleep(0.1)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_client_gets_each_message_once(serve: Serve, tmp_path: Path) -> None:
    """The server is stopped and killed while an agent posts. Each client reconnects, by itself or by a few lines around
    it, parses every event as JSON, and has all messages in order.
    """
    port = free_port()

    def start() -> Server:
        return serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS, "--port", str(port))

    server = start()
    with running_clients(f"{server.url}/api/stream", tmp_path) as clients:
        wait_for_all(clients, Client.has_begun)
        with posting(server.url) as poster:
            for by in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                poster.wait_for(20)
                server.process.send_signal(by)
                server.process.wait(10)
                server = start()
            poster.wait_for(20)
        stored = stored_messages(server.url)
        wait_for_all(clients, lambda client: client.has_message(stored[-1]["id"]))
        received = {name: client.messages() for name, client in clients.items()}

    wrong = {name: clients[name].description() for name, messages in received.items() if messages != stored}
    assert received.keys() == CLIENTS.keys()
    assert wrong == {}
