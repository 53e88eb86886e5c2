"""Every failure of Moltbook is MoltbookUnavailable, and a look-up discloses nothing to others."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from chatr.adapters.moltbook import MAX_REPLY_BYTES, HttpMoltbook, open_moltbook
from chatr.domain.proof import Profile, ProofWords
from chatr.ports import MOLTBOOK_URL, MoltbookUnavailable
from tests.moltbook import FakeMoltbook, MoltbookPost, profile_reply, reply_with_body

Arrange = Callable[[FakeMoltbook], None]
"""Prepares the server for one test."""


@pytest.fixture
async def server() -> AsyncIterator[FakeMoltbook]:
    """A Moltbook server."""
    async with FakeMoltbook() as server:
        yield server


@pytest.fixture
async def client(server: FakeMoltbook) -> AsyncIterator[HttpMoltbook]:
    """A client of the server."""
    async with open_moltbook(server.url) as client:
        yield client


@pytest.fixture
async def impatient_client(server: FakeMoltbook) -> AsyncIterator[HttpMoltbook]:
    """A client whose look-ups time out after a tenth of a second."""
    async with open_moltbook(server.url, timeout=0.1) as client:
        yield client


async def look_up(client: HttpMoltbook, name: str = "Clawd") -> Profile | None:
    """Look up an account and the code ABCD2345."""
    return await client.profile(name, ProofWords("ABCD2345"))


class FixedResolver(AbstractResolver):
    """Resolves every name to one address, as a forged DNS answer does."""

    def __init__(self, host: str) -> None:
        self._host = host

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the one address."""
        return [ResolveResult(hostname=host, host=self._host, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Do nothing."""


def failing(status: int) -> Arrange:
    """Prepare a reply with a good body and this status."""
    return lambda server: server.failing("Clawd", status)


FAILURES: dict[str, Arrange] = {
    "broken JSON": lambda server: server.broken("Clawd"),
    "not UTF-8": lambda server: server.set_reply("Clawd", reply_with_body(b'{"success":true,"agent":{"name":"\xff"}}')),
    "an empty body": lambda server: server.set_reply("Clawd", reply_with_body(b"")),
    "HTML": lambda server: server.set_reply("Clawd", reply_with_body(b"<!doctype html><title>One moment</title>")),
    "deeply nested JSON": lambda server: server.set_reply("Clawd", reply_with_body(b"[" * 200_000)),
    "a list": lambda server: server.set_reply_json("Clawd", [profile_reply("Clawd")]),
    "null": lambda server: server.set_reply_json("Clawd", None),
    "no success": lambda server: server.set_reply_json("Clawd", profile_reply("Clawd") | {"success": False}),
    "no agent": lambda server: server.set_reply_json("Clawd", {"success": True, "recentPosts": []}),
    "an agent without a name": lambda server: server.set_reply_json(
        "Clawd", {"success": True, "agent": {"name": None}}
    ),
    "one byte too many": lambda server: server.large("Clawd", MAX_REPLY_BYTES + 1),
    "a truncated body": lambda server: server.breaking_off("Clawd"),
    "an endless body": lambda server: server.endless("Clawd"),
    "compressed": lambda server: server.compressed("Clawd"),
    "a redirect to itself": lambda server: server.redirecting("Clawd", f"{server.url}/agents/profile?name=Other"),
    **{str(status): failing(status) for status in (204, 304, 401, 403, 429, 500)},
}


@pytest.mark.parametrize("arrange", FAILURES.values(), ids=FAILURES.keys())
async def test_any_other_reply_is_an_outage(arrange: Arrange, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A reply that is neither a profile nor a 404 raises MoltbookUnavailable."""
    server.claimed("Other")
    arrange(server)
    with pytest.raises(MoltbookUnavailable) as caught:
        await look_up(client)

    assert not caught.value.late


async def test_a_failing_request_for_a_post_is_an_outage(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """If a post could not be read, it is unknown whether it contains the code."""
    server.claimed("Clawd", MoltbookPost("p-1", brief=True))
    server.set_post_reply("p-1", reply_with_body(b"", status=500))
    with pytest.raises(MoltbookUnavailable):
        await look_up(client)


async def test_no_redirect_is_followed(server: FakeMoltbook) -> None:
    """A redirect to another host sends it neither a request nor the key."""
    async with FakeMoltbook() as other_host, open_moltbook(server.url, "secret") as client:
        server.redirecting("Clawd", f"{other_host.url}/agents/profile?name=Clawd")
        with pytest.raises(MoltbookUnavailable):
            await look_up(client)

        assert other_host.requests == []


async def test_a_time_out_is_reported_as_late(server: FakeMoltbook, impatient_client: HttpMoltbook) -> None:
    """A reply that does not arrive in time is reported as late, unlike a bad one."""
    server.slow("Clawd")
    with pytest.raises(MoltbookUnavailable) as caught:
        await look_up(impatient_client)

    assert caught.value.late


async def test_the_time_out_is_for_the_whole_look_up(server: FakeMoltbook, impatient_client: HttpMoltbook) -> None:
    """A slow reply to the second request of a look-up makes it late."""
    server.claimed("Clawd", MoltbookPost("p-1", brief=True))
    server.set_post_reply("p-1", server.waiting({}))
    with pytest.raises(MoltbookUnavailable) as caught:
        await look_up(impatient_client)

    assert caught.value.late


async def test_a_cancelled_look_up_frees_its_slot(server: FakeMoltbook) -> None:
    """When the client of a look-up disconnects, the next look-up can run."""
    server.slow("Slow")
    async with open_moltbook(server.url, max_concurrent=1) as client:
        cancelled = asyncio.create_task(look_up(client, "Slow"))
        await server.arrived(1)
        cancelled.cancel()

        assert await look_up(client, "Unknown") is None


async def test_at_most_eight_look_ups_run_at_a_time(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Moltbook receives at most eight look-ups at a time; the others run later."""
    server.slow("Clawd")
    look_ups = [asyncio.create_task(look_up(client)) for _ in range(20)]
    await server.arrived(8)
    async with open_moltbook(server.url) as other:
        await look_up(other, "Unknown")  # a round trip, in which a ninth look-up would have arrived
    concurrent = len(server.requests) - 1
    server.release()

    assert (concurrent, await asyncio.gather(*look_ups)) == (8, [Profile("Clawd", True, "someone", None)] * 20)


async def test_an_unreachable_server_is_an_outage(server: FakeMoltbook) -> None:
    """A server that cannot be reached raises MoltbookUnavailable."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with open_moltbook(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(MoltbookUnavailable):
            await look_up(client)


async def test_an_untrusted_certificate_is_an_outage() -> None:
    """A certificate that no authority has signed is rejected before a request is sent."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    async with FakeMoltbook(context) as server, open_moltbook(server.url) as client:
        server.claimed("Clawd")
        with pytest.raises(MoltbookUnavailable, match="Certificate"):
            await look_up(client)

        assert server.requests == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1"]
)
async def test_moltbook_is_not_in_a_private_network(address: str) -> None:
    """A forged DNS answer cannot make the node send requests into its own network."""
    async with open_moltbook(f"{MOLTBOOK_URL}/", resolver=FixedResolver(address)) as client:
        with pytest.raises(MoltbookUnavailable, match="DNS"):
            await look_up(client)


async def test_a_configured_moltbook_may_be_in_a_private_network(server: FakeMoltbook) -> None:
    """An operator may configure a host in a private network."""
    server.unclaimed("Clawd")
    async with open_moltbook(
        f"http://mirror.test:{server.port}/api/v1/", resolver=FixedResolver("127.0.0.1")
    ) as client:
        assert await look_up(client) == Profile("Clawd", False, None, None)


@pytest.mark.parametrize(
    ("key", "authorization"), [("moltbook_sk_1", "Bearer moltbook_sk_1"), (None, None), ("", None)]
)
async def test_a_configured_key_is_sent(key: str | None, authorization: str | None, server: FakeMoltbook) -> None:
    """A configured key is sent with every request as a bearer token."""
    server.claimed("Clawd", MoltbookPost("p-1", brief=True))
    async with open_moltbook(server.url, key) as client:
        await look_up(client)

    assert [headers.get("Authorization") for headers in server.headers] == [authorization] * 2


async def test_compressed_replies_are_not_requested(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Requests accept no compression, since compressed replies are not read."""
    await look_up(client)

    assert [headers["Accept-Encoding"] for headers in server.headers] == ["identity"]


async def test_cookies_are_not_stored(server: FakeMoltbook) -> None:
    """A cookie that one look-up receives is not sent with the next one."""
    server.set_reply(
        "Clawd", reply_with_body(msgspec.json.encode(profile_reply("Clawd")), headers={"Set-Cookie": "seen=1"})
    )
    async with open_moltbook(f"http://mirror.test:{server.port}/api/v1", resolver=FixedResolver("127.0.0.1")) as client:
        await look_up(client)
        await look_up(client)

    assert [headers.get("Cookie") for headers in server.headers] == [None, None]


async def test_the_key_is_in_no_error_and_no_log(server: FakeMoltbook, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a log nor an error contains the key, not even a key that cannot be sent."""
    caplog.set_level("DEBUG")
    async with open_moltbook(server.url, "moltbook_sk_1\n") as client:
        with pytest.raises(MoltbookUnavailable) as caught:
            await look_up(client)

    assert "moltbook_sk_1" not in f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"
