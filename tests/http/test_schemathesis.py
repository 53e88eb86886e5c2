"""Every endpoint keeps its word: it is asked all that /openapi.json allows and forbids, and answers as that says."""

import asyncio
import json
import os
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Thread
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from chatr.adapters.http.door import DoorLimits
from chatr.adapters.http.openapi import document
from chatr.adapters.http.routes import ROUTES
from chatr.app import running
from chatr.domain.limits import Limits
from chatr.settings import Settings
from tests.conftest import OPEN_SETTINGS, PLENTY
from tests.moltbook import FakeMoltbook

OPENAPI = json.loads(json.dumps(document(ROUTES, Limits(), DoorLimits(PLENTY, PLENTY, 5000, 5000), "http://test")))
ACCEPTED = ["2xx", "400", "401", "403", "404", "409", "429"]
"""A good request to complete a verification that was never started is answered with 400: the past is in no schema.
Neither is it in any that exactly one of two parameters must be given.
"""
CONFIG: dict[str, Any] = {
    "operations": [
        {
            "include-name": "POST /api/verify/complete",
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
        {
            "include-name": "GET /api/at",
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
        {"include-name": "GET /api/messages", "parameters": {"wait": "0"}},
    ]
}
IN_CI = os.environ.get("CI") == "true"
EXAMPLES = settings(
    max_examples=200 if IN_CI else 10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

pytestmark = [pytest.mark.long] if IN_CI else []

promised = schemathesis.openapi.from_dict(OPENAPI, config=schemathesis.Config.from_dict(CONFIG))
to_everybody = promised.exclude(path="/api/stream")  # it never ends
to_members = promised.exclude(name=[f"{route.method} {route.path}" for route in ROUTES if not route.keyed])


async def serve(opened: "Future[str]", closing: asyncio.Event) -> None:
    wide = OPEN_SETTINGS | {"rate_verified": PLENTY, "rate_unverified": PLENTY}
    async with FakeMoltbook() as moltbook, running(Settings(**wide, moltbook_url=moltbook.url)) as room:
        opened.set_result(room.url)
        await closing.wait()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A room in a thread of its own, because the requests are not made in a loop."""
    opened: Future[str] = Future()
    closing = asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = Thread(target=lambda: loop.run_until_complete(serve(opened, closing)))
    thread.start()
    yield opened.result(10)
    loop.call_soon_threadsafe(closing.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def bearer(address: str) -> dict[str, str]:
    reply = requests.post(f"{address}/api/register", json={"name": "Schemer"}, timeout=10).json()
    return {"Authorization": f"Bearer {reply['agent']['apiKey']}"}


@to_everybody.parametrize()
@EXAMPLES
def test_an_agent_is_answered_as_promised(case: Case[Any], address: str, bearer: dict[str, str]) -> None:
    """What the document allows is accepted, what it forbids is refused, and every answer looks as it says."""
    case.call_and_validate(base_url=address, headers=bearer)


@to_members.parametrize()
@EXAMPLES
def test_a_stranger_is_answered_as_promised(case: Case[Any], address: str) -> None:
    """Without a key, nothing that takes one is done."""
    case.call_and_validate(base_url=address)
