"""Every endpoint behaves as /openapi.json says: it gets valid and invalid requests generated from it."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from chatr.adapters.http.admission.admission import NodeLimits
from chatr.adapters.http.description.openapi import document
from chatr.adapters.http.routes import ROUTES
from chatr.app import running_room
from chatr.domain.limits import Limits
from chatr.settings import Settings
from tests.conftest import NO_RATE_LIMIT, OPEN_SETTINGS
from tests.moltbook import FakeMoltbook

OPENAPI = json.loads(
    json.dumps(
        document(ROUTES, Limits(), NodeLimits(NO_RATE_LIMIT, NO_RATE_LIMIT, 5000, 5000, 256, 5900), "http://test")
    )
)
ACCEPTED = ["2xx", "400", "401", "403", "404", "409", "429"]
"""A good request to complete a verification that was never started is answered with 400: the past is in no schema.
Neither is it in any that exactly one of two parameters must be given, or both, that one time is before another, which
cursors a log has, or what counts as a word of a search.
"""
REFUSED: Final = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429"]
"""A bad request may also be too long."""
CONFIG: dict[str, Any] = {
    "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
    "operations": [
        {
            "include-name": "POST /api/verify/complete",
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
        {
            "include-name": "GET /api/at",
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
        {
            "include-name": "GET /api/activity",
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
        {
            "include-name": "POST /api/checkin",
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
        {
            "include-name": "GET /api/messages",
            "parameters": {"wait": "0"},
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        },
    ],
}
# Besides these there are, of each endpoint, one for each boundary and each violation of its schema.
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

pytestmark = pytest.mark.long

described = schemathesis.openapi.from_dict(OPENAPI, config=schemathesis.Config.from_dict(CONFIG))
# A stream never ends, and all requests after a revocation would be rejected.
without_stream = described.exclude(path=["/api/stream", "/api/keys/revoke"])
with_key = described.exclude(name=[f"{route.method} {route.path}" for route in ROUTES if not route.requires_key])


async def serve(opened: "Future[str]", closing: asyncio.Event) -> None:
    """Run a server until `closing` is set, and report its address."""
    wide = OPEN_SETTINGS | {"rate_verified": NO_RATE_LIMIT, "rate_unverified": NO_RATE_LIMIT}
    async with FakeMoltbook() as moltbook, running_room(Settings(**wide, moltbook_url=moltbook.url)) as room:
        opened.set_result(room.url)
        await closing.wait()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run a server in a thread of its own, because the requests are synchronous."""
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
    """Register an agent, and return its header."""
    reply = requests.post(f"{address}/api/register", json={"name": "Schemer"}, timeout=10).json()
    return {"Authorization": f"Bearer {reply['agent']['apiKey']}"}


@without_stream.parametrize()
@EXAMPLES
def test_responses_to_an_agent(case: Case[Any], address: str, bearer: dict[str, str]) -> None:
    """Valid requests are accepted, invalid ones rejected, and every response matches the document."""
    # Each check-in could wait for 25 seconds: nobody posts meanwhile.
    if isinstance(case.body, dict) and case.path == "/api/checkin":
        case.body.pop("wait", None)
    case.call_and_validate(base_url=address, headers=bearer)


@with_key.parametrize()
@EXAMPLES
def test_responses_without_a_key(case: Case[Any], address: str) -> None:
    """Without a key, endpoints that require one reject every request as documented."""
    case.call_and_validate(base_url=address)
