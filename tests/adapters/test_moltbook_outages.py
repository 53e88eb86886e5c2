"""Moltbook failing, and what a look-up gives away. Whatever happens is MoltbookUnavailable, and nothing else."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from chatr.adapters.moltbook import LARGEST, MOLTBOOK, HttpMoltbook, moltbook
from chatr.domain.commands import Profile
from chatr.ports import MoltbookUnavailable
from tests.moltbook import FakeMoltbook, Written, profile, saying

Arrange = Callable[[FakeMoltbook], None]


@pytest.fixture
async def server() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as server:
        yield server


@pytest.fixture
async def client(server: FakeMoltbook) -> AsyncIterator[HttpMoltbook]:
    async with moltbook(server.url) as client:
        yield client


@pytest.fixture
async def hasty(server: FakeMoltbook) -> AsyncIterator[HttpMoltbook]:
    async with moltbook(server.url, patience=0.1) as client:
        yield client


async def asked(client: HttpMoltbook, name: str = "Clawd") -> Profile | None:
    return await client.profile(name, "ABCD2345")


class Leads(AbstractResolver):
    """DNS, forged: every name leads to one address."""

    def __init__(self, host: str) -> None:
        self._host = host

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=self._host, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None: ...


def failing(status: int) -> Arrange:
    return lambda server: server.failing("Clawd", status)


BAD: dict[str, Arrange] = {
    "broken JSON": lambda server: server.broken("Clawd"),
    "not UTF-8": lambda server: server.answers("Clawd", saying(b'{"success":true,"agent":{"name":"\xff"}}')),
    "nothing": lambda server: server.answers("Clawd", saying(b"")),
    "HTML": lambda server: server.answers("Clawd", saying(b"<!doctype html><title>One moment</title>")),
    "a deep hole": lambda server: server.answers("Clawd", saying(b"[" * 200_000)),
    "a list": lambda server: server.says("Clawd", [profile("Clawd")]),
    "null": lambda server: server.says("Clawd", None),
    "no success": lambda server: server.says("Clawd", profile("Clawd") | {"success": False}),
    "no agent": lambda server: server.says("Clawd", {"success": True, "recentPosts": []}),
    "an agent without a name": lambda server: server.says("Clawd", {"success": True, "agent": {"name": None}}),
    "one byte too many": lambda server: server.large("Clawd", LARGEST + 1),
    "half of it": lambda server: server.breaking_off("Clawd"),
    "no end": lambda server: server.endless("Clawd"),
    "compressed": lambda server: server.compressed("Clawd"),
    "a redirect to itself": lambda server: server.redirecting("Clawd", f"{server.url}/agents/profile?name=Other"),
    **{str(status): failing(status) for status in (204, 304, 401, 403, 429, 500)},
}


@pytest.mark.parametrize("arrange", BAD.values(), ids=BAD.keys())
async def test_a_bad_reply_is_an_outage(arrange: Arrange, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Whatever is neither a profile nor 404 says nothing about the account."""
    server.claimed("Other")
    arrange(server)
    with pytest.raises(MoltbookUnavailable) as caught:
        await asked(client)

    assert not caught.value.late


async def test_a_post_that_fails_is_an_outage(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """If a post could not be read, nobody knows whether it held the code."""
    server.claimed("Clawd", Written("p-1", brief=True))
    server.opens("p-1", saying(b"", status=500))
    with pytest.raises(MoltbookUnavailable):
        await asked(client)


async def test_no_redirect_leads_elsewhere(server: FakeMoltbook) -> None:
    """Another host never hears of a look-up, let alone of the key."""
    async with FakeMoltbook() as elsewhere, moltbook(server.url, "secret") as client:
        server.redirecting("Clawd", f"{elsewhere.url}/agents/profile?name=Clawd")
        with pytest.raises(MoltbookUnavailable):
            await asked(client)

        assert elsewhere.requests == []


async def test_a_slow_account_is_late(server: FakeMoltbook, hasty: HttpMoltbook) -> None:
    """No answer in time is told apart from a bad one."""
    server.slow("Clawd")
    with pytest.raises(MoltbookUnavailable) as caught:
        await asked(hasty)

    assert caught.value.late


async def test_the_time_is_for_the_whole_look_up(server: FakeMoltbook, hasty: HttpMoltbook) -> None:
    """A post that is slow to open makes the look-up late."""
    server.claimed("Clawd", Written("p-1", brief=True))
    server.opens("p-1", server.waiting({}))
    with pytest.raises(MoltbookUnavailable) as caught:
        await asked(hasty)

    assert caught.value.late


async def test_a_look_up_given_up_makes_room(server: FakeMoltbook) -> None:
    """When the agent hangs up, the next one gets its turn."""
    server.slow("Slow")
    async with moltbook(server.url, at_once=1) as client:
        given_up = asyncio.create_task(asked(client, "Slow"))
        await server.arrived(1)
        given_up.cancel()

        assert await asked(client, "Unknown") is None


async def test_look_ups_wait_for_their_turn(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Moltbook sees at most eight look-ups at once; the others are answered too, later."""
    server.slow("Clawd")
    look_ups = [asyncio.create_task(asked(client)) for _ in range(20)]
    await server.arrived(8)
    async with moltbook(server.url) as other:
        await asked(other, "Unknown")  # a round trip, in which a ninth one would have come in
    asked_at_once = len(server.requests) - 1
    server.release()

    assert (asked_at_once, await asyncio.gather(*look_ups)) == (8, [Profile("Clawd", True, "someone", None)] * 20)


async def test_nobody_there_is_an_outage(server: FakeMoltbook) -> None:
    """A server that cannot be reached says nothing about the account."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with moltbook(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(MoltbookUnavailable):
            await asked(client)


async def test_a_certificate_that_nobody_vouches_for_is_an_outage() -> None:
    """TLS is checked."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    async with FakeMoltbook(context) as server, moltbook(server.url) as client:
        server.claimed("Clawd")
        with pytest.raises(MoltbookUnavailable, match="Certificate"):
            await asked(client)

        assert server.requests == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1"]
)
async def test_moltbook_is_not_next_door(address: str) -> None:
    """A forged DNS answer cannot send the node to its own network."""
    async with moltbook(f"{MOLTBOOK}/", resolver=Leads(address)) as client:
        with pytest.raises(MoltbookUnavailable, match="DNS"):
            await asked(client)


async def test_a_configured_moltbook_may_be_next_door(server: FakeMoltbook) -> None:
    """Whoever names another host may mean a private one."""
    server.unclaimed("Clawd")
    async with moltbook(f"http://mirror.test:{server.port}/api/v1/", resolver=Leads("127.0.0.1")) as client:
        assert await asked(client) == Profile("Clawd", False, None, None)


@pytest.mark.parametrize(
    ("key", "authorization"), [("moltbook_sk_1", "Bearer moltbook_sk_1"), (None, None), ("", None)]
)
async def test_the_key_is_sent_if_there_is_one(
    key: str | None, authorization: str | None, server: FakeMoltbook
) -> None:
    """A configured key goes with every request, as a bearer."""
    server.claimed("Clawd", Written("p-1", brief=True))
    async with moltbook(server.url, key) as client:
        await asked(client)

    assert [headers.get("Authorization") for headers in server.headers] == [authorization] * 2


async def test_replies_are_asked_for_as_they_are(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Compressed replies are not read, so none is asked for."""
    await asked(client)

    assert [headers["Accept-Encoding"] for headers in server.headers] == ["identity"]


async def test_a_look_up_leaves_nothing_to_the_next(server: FakeMoltbook) -> None:
    """No cookie is kept."""
    server.answers("Clawd", saying(orjson.dumps(profile("Clawd")), headers={"Set-Cookie": "seen=1"}))
    async with moltbook(f"http://mirror.test:{server.port}/api/v1", resolver=Leads("127.0.0.1")) as client:
        await asked(client)
        await asked(client)

    assert [headers.get("Cookie") for headers in server.headers] == [None, None]


async def test_the_key_is_told_to_nobody(server: FakeMoltbook, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a log nor an error quotes the key, not even one that cannot be sent."""
    caplog.set_level("DEBUG")
    async with moltbook(server.url, "moltbook_sk_1\n") as client:
        with pytest.raises(MoltbookUnavailable) as caught:
            await asked(client)

    assert "moltbook_sk_1" not in f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"
