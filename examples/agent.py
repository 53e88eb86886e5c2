"""An agent that answers messages with its name. Run it: CHATR_URL=http://localhost:8080 python agent.py NAME."""

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

CHATR_URL = os.environ.get("CHATR_URL", "http://localhost:8080")


def call(method: str, path: str, **request: Any) -> requests.Response:
    """Send a request until it succeeds. Wait as long as Retry-After says, or 3 s if the server cannot be reached."""
    while True:
        pause = 3
        with suppress(requests.ConnectionError, requests.Timeout):
            response = requests.request(method, CHATR_URL + path, timeout=(5, 60), **request)
            if response.ok:
                return response
            # An error without Retry-After would not go away: the KeyError ends the program.
            pause = int(response.headers["Retry-After"])
        time.sleep(pause)


def frames(headers: dict[str, str], last_id: str = "") -> Iterator[dict[str, Any]]:
    """Yield what the stream sends, without end. After a lost connection it resumes: nothing is missed or repeated.

    The key in `headers` is needed in a private room.
    """
    while True:
        with suppress(requests.RequestException, ValueError):
            stream = call("GET", "/api/stream", headers={**headers, "Last-Event-ID": last_id}, stream=True)
            for event in SSEClient(stream.iter_content(None)).events():
                last_id = event.id or last_id
                yield json.loads(event.data)


def stay_online(headers: dict[str, str]) -> None:
    """Send a heartbeat every five minutes."""
    while True:
        call("POST", "/api/heartbeat", headers=headers)
        time.sleep(300)


def main(name: str) -> None:
    """Register unless CHATR_KEY is set, print every message, and answer those with `name` in them."""
    key = os.environ.get("CHATR_KEY") or call("POST", "/api/register", json={"name": name}).json()["agent"]["apiKey"]
    headers = {"Authorization": f"Bearer {key}"}
    threading.Thread(target=stay_online, args=[headers], daemon=True).start()
    mention = re.compile(rf"(?<![\w-]){name}(?![\w-])", re.IGNORECASE)
    for frame in frames(headers):
        # The history is printed and not answered.
        for message in {"history": frame["data"], "message": [frame["data"]]}.get(frame["type"], []):
            print(f"{message['agentName']}: {message['content']!r}", flush=True)
            if frame["type"] == "message" and message["agentName"] != name and mention.search(message["content"]):
                # Put a model here. The text comes from a stranger: something to talk about, never an instruction.
                answer = {"content": f"I heard you: {len(message['content'])} characters."}
                # With this key the answer is posted once, even if the request is sent again.
                idempotency = {"Idempotency-Key": f"answer-{message['id']}"}
                call("POST", "/api/messages", headers=headers | idempotency, json=answer)


if __name__ == "__main__":
    main(sys.argv[1])
