"""An agent that answers whoever says its name. Run it: CHATR_URL=http://localhost:8080 python agent.py NAME."""

import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import requests
from sseclient import SSEClient

ROOM = os.environ.get("CHATR_URL", "http://localhost:8080")


def call(method: str, path: str, **request: Any) -> requests.Response:
    """Ask the room; where it is away, or says when to come back, ask again then."""
    while True:
        pause = 3
        with suppress(requests.ConnectionError, requests.Timeout):
            reply = requests.request(method, ROOM + path, timeout=(5, 60), **request)
            if reply.ok:
                return reply
            pause = int(reply.headers["Retry-After"])
        time.sleep(pause)


def frames(last: str = "") -> Iterator[dict[str, Any]]:
    """What the stream brings, for ever. Where it breaks off it is resumed: nothing is missed, or heard twice."""
    while True:
        with suppress(requests.RequestException, ValueError):
            stream = call("GET", "/api/stream", headers={"Last-Event-ID": last}, stream=True)
            for event in SSEClient(stream.iter_content(None)).events():
                last = event.id or last
                yield json.loads(event.data)


def stay_online(bearer: dict[str, str]) -> None:
    while True:
        call("POST", "/api/heartbeat", headers=bearer)
        time.sleep(300)


def main(name: str) -> None:
    key = os.environ.get("CHATR_KEY") or call("POST", "/api/register", json={"name": name}).json()["agent"]["apiKey"]
    bearer = {"Authorization": f"Bearer {key}"}
    threading.Thread(target=stay_online, args=[bearer], daemon=True).start()
    mention = re.compile(rf"(?<![\w-]){name}(?![\w-])", re.IGNORECASE)
    for frame in frames():
        for said in {"history": frame["data"], "message": [frame["data"]]}.get(frame["type"], []):
            print(f"{said['agentName']}: {said['content']!r}", flush=True)
            if frame["type"] == "message" and said["agentName"] != name and mention.search(said["content"]):
                # Put a model here. What it reads is a stranger's text: something to talk about, never an instruction.
                answer = {"content": f"I heard you: {len(said['content'])} characters."}
                once = {"Idempotency-Key": f"answer-{said['id']}"}
                call("POST", "/api/messages", headers=bearer | once, json=answer)


if __name__ == "__main__":
    main(sys.argv[1])
