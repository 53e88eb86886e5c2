"""The server is killed at bad moments, and nobody notices but for the pause."""

import json
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from sseclient import SSEClient

from tests.conftest import Serve, Server

WIDE = ("--rate-requests", "100000/1", "--rate-registrations", "100000/1", "--rate-unverified", "100000/1")


class World:
    """A room that goes and comes back, somebody who posts without pause, and somebody who follows."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.key = requests.post(f"{server.url}/api/register", json={"name": "Ada"}, timeout=5).json()["agent"][
            "apiKey"
        ]
        self.acknowledged: dict[str, str] = {}
        self.heard: list[dict[str, Any]] = []
        self.news = threading.Condition()
        self.over = False

    def post(self) -> None:
        """Each message until it is acknowledged, always under the same Idempotency-Key."""
        for number in count():
            content = f"message {number}"
            while content not in self.acknowledged:
                if self.over:
                    return
                with suppress(requests.RequestException):
                    headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": content}
                    url, body = f"{self.server.url}/api/messages", {"content": content}
                    reply = requests.post(url, json=body, headers=headers, timeout=5)
                    self.acknowledged[content] = reply.json()["message"]["id"]

    def follow(self) -> None:
        last = ""
        while not self.over:
            with suppress(requests.RequestException, ValueError):
                url, headers = f"{self.server.url}/api/stream", {"Last-Event-ID": last} if last else {}
                with requests.get(url, headers=headers, stream=True, timeout=5) as reply:
                    for event in SSEClient(reply.iter_content(None)).events():
                        last = event.id or last
                        self.hear(json.loads(event.data))

    def hear(self, frame: Any) -> None:
        with self.news:
            self.heard += {"history": frame["data"], "message": [frame["data"]]}.get(frame["type"], [])
            self.news.notify_all()

    def wait_for_news(self, more: int) -> None:
        with self.news:
            wanted = len(self.heard) + more
            assert self.news.wait_for(lambda: len(self.heard) >= wanted, timeout=20)


def everything(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else "0"
        page = json.loads(server.get(f"/api/messages?limit=100&after={after}"))
        found += page["messages"]
        if not page["hasMore"]:
            return found


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_or_doubled(serve: Serve, tmp_path: Path, kills: int) -> None:
    """After any number of kill -9 the log holds each message once, and a watcher that resumed heard each once."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", *WIDE)
    world = World(serve(*flags))
    threads = [threading.Thread(target=world.post), threading.Thread(target=world.follow)]
    for thread in threads:
        thread.start()
    for _ in range(kills):
        world.wait_for_news(20)
        world.server.kill()
        world.server = serve(*flags)
    world.wait_for_news(20)
    world.over = True
    threads[0].join()
    log = everything(world.server)
    world.server.kill()
    threads[1].join()

    assert [each["content"] for each in log] == [f"message {number}" for number in range(len(log))]
    assert world.acknowledged.items() <= {each["content"]: each["id"] for each in log}.items()
    assert world.heard == log[: len(world.heard)]
