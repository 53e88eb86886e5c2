"""Random messages get responses in the form of JSON-RPC, and never an internal error."""

import json
import random
from typing import Any, Final

import pytest

from tests.conftest import Room
from tests.mcp.messages import envelope, headers_for

SEED: Final = 20261128
COUNT: Final = 2000
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**53, "", "x", "\u2028", "\U0001f9de" * 300, "=?base64?eA==?=", [], [[]], {}),
    *({"_meta": {}}, {"name": "chatr_read"}, "tools/call", "chatr_wait", "2026-07-28", "2025-11-25", "chatr://skill"),
)
METHODS: Final = ("tools/call", "tools/list", "resources/read", "server/discover", "initialize", "ping", "x")
TOOLS: Final = ("chatr_read", "chatr_post", "chatr_who", "chatr_me", "chatr_verify", "chatr_check_in", "chatr_wait")
ARGUMENTS: Final = ("content", "after", "before", "limit", "from", "mentions", "replyTo", "name", "step", "ack", "x")
STATUSES: Final = {200, 202, 400, 404}


def damaged(value: Any, rng: random.Random) -> Any:
    """Return JSON in which some values are others, and some fields are missing."""
    if rng.random() < 0.1:
        return rng.choice(VALUES)
    if not isinstance(value, dict):
        return value
    return {name: damaged(each, rng) for name, each in value.items() if rng.random() > 0.07}


def message(rng: random.Random) -> tuple[Any, dict[str, str]]:
    """Return a message and its headers, both damaged."""
    arguments = {rng.choice(ARGUMENTS): rng.choice(VALUES) for _ in range(rng.randrange(4))}
    # The wait is given, or an intact call would take its time.
    params = {"name": rng.choice(TOOLS), "arguments": arguments | {"wait": 0}, "uri": "chatr://rules"}
    body = envelope(rng.choice(METHODS), params, id=rng.choice(VALUES) if rng.random() < 0.2 else 1)
    headers = {name: value for name, value in headers_for(body).items() if rng.random() > 0.1}
    if rng.random() < 0.3:
        body["params"].pop("_meta")
        headers = {"MCP-Protocol-Version": "2025-11-25"} if rng.random() < 0.8 else {}
    return damaged(body, rng), headers


@pytest.mark.long
async def test_random_messages(room: Room) -> None:
    """Any body gets one of four statuses, with a JSON-RPC response or without a body."""
    rng, ada, wrong = random.Random(SEED), await room.register(), []
    for _ in range(COUNT):
        body, headers = message(rng)
        headers["Content-Type"] = "application/json"
        agent = ada if rng.random() < 0.5 else None
        answer = await room.request("POST", "/mcp", data=json.dumps(body), headers=headers, agent=agent)
        is_response = answer.status == 202 or {"result", "error"} & answer.json.keys()
        if answer.status not in STATUSES or not is_response or b"internal_error" in answer.raw:
            wrong.append((json.dumps(body)[:500], headers, answer.status, answer.raw[:300]))

    assert wrong == []
