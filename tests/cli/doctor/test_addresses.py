"""A real Caddy in front of a real room: whether clients are counted by their own addresses."""

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatr.cli.doctor.check import Check
from chatr.cli.doctor.proxy import check_proxy
from chatr.domain.limits import MINUTE, SECOND, Limit
from tests.conftest import OpenRoom
from tests.deploy.test_compose import StartCaddy, caddy

pytestmark = pytest.mark.long

RATE = Limit(20, MINUTE)
LOCAL = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def start_caddy(tmp_path: Path) -> Iterator[StartCaddy]:
    """Starts Caddy in front of a node, and returns its URL."""
    with ExitStack() as stack:
        yield lambda node: stack.enter_context(caddy(tmp_path, node))


async def checks(url: str, direct: str | None, rate: Limit = RATE) -> dict[str, Check]:
    """Return the checks of a proxy by their names."""
    return {check.name: check async for check in check_proxy(url, direct, rate)}


async def test_a_good_proxy_has_no_fault(open_room: OpenRoom, start_caddy: StartCaddy) -> None:
    """Behind the proxy of compose.yaml nothing is found."""
    room = await open_room(trusted_proxies=(ip_network("127.0.0.1"),), rate_requests=RATE)
    found = await checks(start_caddy(urlsplit(room.running.url).netloc), room.running.url)

    assert [check.status for check in found.values()] == ["ok"] * 3, found


async def test_a_proxy_that_is_not_trusted_is_named(open_room: OpenRoom, start_caddy: StartCaddy) -> None:
    """If the room does not trust the proxy, all clients share the limit of its address."""
    room = await open_room(rate_requests=RATE)
    found = await checks(start_caddy(urlsplit(room.running.url).netloc), room.running.url)

    assert "they all share one limit" in found["client addresses"].found
    assert "--trusted-proxies" in found["client addresses"].remedy


async def test_clients_that_choose_their_address_are_found(open_room: OpenRoom) -> None:
    """If the header of the client reaches a room that believes it, nobody has a limit."""
    room = await open_room(trusted_proxies=LOCAL, rate_requests=RATE)
    found = await checks(room.running.url.replace("localhost", "127.0.0.1"), room.running.url)

    assert "Clients choose the address" in found["client addresses"].found


@pytest.mark.parametrize("direct", [None, "http://127.0.0.1:1"])
async def test_what_was_not_tried_is_not_claimed(direct: str | None, open_room: OpenRoom) -> None:
    """From another machine nobody sees whether all clients share the limit of the proxy."""
    room = await open_room(rate_requests=RATE)
    found = await checks(room.running.url.replace("localhost", "127.0.0.1"), direct)

    assert found["client addresses"].status == "ok"
    assert "was not tried" in found["client addresses"].found


@pytest.mark.parametrize("rate", [Limit(1_001, MINUTE), Limit(20, 10 * SECOND)])
async def test_a_limit_that_cannot_be_tried_is_left(open_room: OpenRoom, rate: Limit) -> None:
    """Nobody wants thousands of requests for a check."""
    room = await open_room(rate_requests=rate)
    found = await checks(room.running.url.replace("localhost", "127.0.0.1"), room.running.url, rate)

    assert found["client addresses"].status == "skipped"
