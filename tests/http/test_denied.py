"""Addresses that the operator denies are refused before anything else, whatever they ask for."""

import asyncio
import json
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any, Final

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from chatr.adapters.http import access_errors
from chatr.adapters.http.admission.client_address import ClientAddresses
from chatr.adapters.http.admission.network_set import NetworkSet
from chatr.adapters.http.description.error_responses import errors_by_status
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.routes import ROUTES
from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.limits import MINUTE, Limit
from chatr.setting_values import parse_networks
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom
from tests.metrics.scrape import calls_of
from tests.stream_client import connected, read_response, request

PROXY: Final = parse_networks("127.0.0.0/8")
DENIED: Final = parse_networks("192.0.2.0/24,2001:db8:1::/48,::ffff:198.51.100.0/120,203.0.113.7")
ASKED: Final = (
    request("/health"),
    request("/ready"),
    request("/"),
    request("/skills.md"),
    request("/nope"),
    request("/api/messages?after=0&wait=25"),
    request("/api/stream"),
    request("/api/stream", Cookie="é"),
    request("/api/stream", version="1.0"),
    request("/api/stream?presence=1", Last_Event_ID="99-00000000"),
    request("/api/register", method="POST", Content_Length="14", Expect="100-continue"),
    request("/api/register", method="OPTIONS"),
    request("/api/heartbeat", method="POST", Content_Length="0"),
)
"""A request of each kind."""


async def ask(url: str, sent: bytes) -> tuple[int, dict[str, Any]]:
    """Send a request on a new connection; return status and body of the response."""
    async with connected(url) as (reader, writer):
        writer.write(sent)
        answer = await read_response(reader, writer)
        return answer.status, json.loads(await answer.body())


def forwarded(sent: bytes, address: str) -> bytes:
    """Return the request as a proxy passes it on."""
    return sent.replace(b"\r\n", f"\r\nX-Forwarded-For: {address}\r\n".encode(), 1)


@pytest.mark.parametrize("sent", ASKED)
async def test_a_denied_client_behind_a_proxy_gets_403(sent: bytes, open_room: OpenRoom) -> None:
    """Every request is answered with 403 `denied`, in one sentence that says whom to ask."""
    room = await open_room(trusted_proxies=PROXY, deny=DENIED)
    status, body = await ask(room.running.url, forwarded(sent, "192.0.2.9"))

    assert (status, body["code"], body["success"]) == (403, "denied", False)
    assert "ask the operator" in body["error"]


@pytest.mark.parametrize(
    ("hops", "is_denied"),
    [
        ("192.0.2.1", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("192.0.1.255", False),
        ("203.0.113.7", True),
        ("203.0.113.8", False),
        ("2001:db8:1:ffff::1", True),
        ("2001:db8:2::1", False),
        ("::ffff:192.0.2.1", True),
        ("198.51.100.1", True),
        ("::ffff:198.51.100.1", True),
        ("198.51.101.1", False),
        ("192.0.2.1, 192.0.3.1", False),
        ("192.0.3.1, 192.0.2.1", True),
        ("192.0.2.1, 127.0.0.9", True),
        ("192.0.2.1, nonsense", False),
        ("", False),
    ],
)
def test_the_forwarded_address_decides_behind_a_proxy(hops: str, is_denied: bool) -> None:
    """It is the same address by which limits count, IPv4 written as IPv6 included, and not its /64."""
    assert ClientAddresses(PROXY, DENIED).is_denied("127.0.0.1", hops) == is_denied


@pytest.mark.parametrize(
    ("host", "denied"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "0.0.0.0/0"), ("::1", "::1/128")]
)
async def test_a_denied_peer_is_refused_unread(host: str, denied: str, open_room: OpenRoom) -> None:
    """A connection that no proxy makes gets the 403 before it has sent anything, and ends."""
    with capture_logs() as lines:
        room = await open_room(host=host, deny=parse_networks(denied), log_level="debug")
        port = int(room.running.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection(host, port)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()

    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert json.loads(body)["code"] == "denied"
    assert [line["code"] for line in lines if line["event"] == "connection_refused"] == ["denied"]


async def test_others_are_served(open_room: OpenRoom) -> None:
    """An address that is not in the list notices nothing, and no peer is believed who forwards an address."""
    room = await open_room(deny=DENIED)

    assert (await room.get("/api/agents", headers={"X-Forwarded-For": "192.0.2.1"})).status == 200


async def test_requests_of_a_denied_client_do_not_count(open_room: OpenRoom) -> None:
    """They use nobody's quota, and the connection of the proxy stays open for others."""
    room = await open_room(trusted_proxies=PROXY, deny=DENIED, rate_requests=Limit(1, MINUTE))
    async with connected(room.running.url) as (reader, writer):
        statuses = []
        for address in ("192.0.2.1", "192.0.2.1", "192.0.3.1"):
            writer.write(forwarded(request("/api/agents"), address))
            answer = await read_response(reader, writer)
            await answer.body()
            statuses.append(answer.status)

    assert statuses == [403, 403, 200]


async def test_a_starting_room_denies(open_room: OpenRoom) -> None:
    """Also before the log is read a denied client gets nothing else."""
    log = FaultyLog(MemoryLog())
    hold = log.hold("head")
    with capture_logs() as lines:
        opening = asyncio.ensure_future(
            open_room(event_log=log, trusted_proxies=PROXY, deny=DENIED, timeouts=HttpTimeouts(start=0.0))
        )
        await hold.reached.wait()
        url = next(line["url"] for line in lines if line["event"] == "listening")
        async with ClientSession(url, headers={"X-Forwarded-For": "192.0.2.1"}) as http:
            statuses = [(await http.get(path)).status for path in ("/health", "/api/stream", "/api/messages")]
        hold.release()
        await opening

    assert statuses == [403] * 3


def test_a_set_of_networks_contains_their_addresses() -> None:
    """For random networks and addresses the set agrees with the networks themselves."""
    random = Random(7)
    networks = [ip_network((random.getrandbits(32), random.randint(8, 32)), strict=False) for _ in range(100)]
    networks += [ip_network((random.getrandbits(128), random.randint(8, 128)), strict=False) for _ in range(100)]
    denied = NetworkSet(networks)
    near = [int(each.network_address) + offset for each in networks for offset in (-1, 0, 1)]
    numbers = [number for number in near if number >= 0]
    addresses = [ip_address(number) for number in numbers]
    expected = [any(address in each for each in networks if each.version == address.version) for address in addresses]

    assert [address in denied for address in addresses] == expected
    assert {True, False} == set(expected)


def test_a_long_list_costs_no_more_than_a_short_one() -> None:
    """An address is looked up by the same number of calls in one network and in thousands."""
    short = NetworkSet(parse_networks("192.0.2.0/24"))
    long = NetworkSet([ip_network((number << 9, 24)) for number in range(2_000)])
    address = ip_address("192.0.2.1")

    assert calls_of(lambda: address in long) == calls_of(lambda: address in short)


def test_no_network_contains_nothing() -> None:
    """Without networks nobody is denied."""
    assert ip_address("192.0.2.1") not in NetworkSet([])


def test_the_refusal_is_documented() -> None:
    """OpenAPI lists 403 `denied` for every endpoint."""
    assert [route.path for route in ROUTES if access_errors.DENIED not in errors_by_status(route)[403]] == []
