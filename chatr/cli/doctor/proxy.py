"""Checks the proxy in front of a room, by requests to its public address."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, StreamReader, TCPConnector

from chatr.cli.doctor.check import Check, ok, problem, skipped
from chatr.cli.doctor.settings import is_local
from chatr.cli.running_room import KEY_VARIABLE, failure_reason, room_options
from chatr.domain.limits import SECOND, Limit
from chatr.wire.errors import ErrorCode

STREAM: Final = "stream"
ERRORS: Final = "errors"
CACHE: Final = "cache"
ADDRESSES: Final = "client addresses"
TIMEOUT: Final = ClientTimeout(total=10)
FIRST_FRAME: Final = 2.0
"""Seconds within which the history must arrive."""
MOST_REQUESTS: Final = 1_000
"""The largest limit of one address that is tried."""
SHORTEST_WINDOW: Final = 30 * SECOND
"""Milliseconds. The requests of a shorter window may be allowed again before all are sent."""
SPARE_REQUESTS: Final = 10
AT_A_TIME: Final = 10
FORBIDDEN: Final = 403
TOO_MANY: Final = 429
OTHER_LOCAL_ADDRESS: Final = "127.0.0.2"
FAILURES: Final = (ClientError, TimeoutError, OSError, ValueError, TypeError, KeyError)
"""What a request may raise, also where something else answers than a room."""


async def check_proxy(url: str, direct_url: str | None, rate_requests: Limit) -> AsyncGenerator[Check, None]:
    """Yield what is wrong between the public `url` and the server, which this machine may reach at `direct_url`.

    `rate_requests` is the limit of one client address. Afterwards this machine has used it up.
    """
    connector = TCPConnector(local_addr=local_address(urlsplit(url).hostname or ""))
    async with ClientSession(f"{url}/", timeout=TIMEOUT, connector=connector, **room_options(url)) as session:
        try:
            yield await check_stream(session)
            yield await check_errors(session)
            if (stored := await check_cache(session)) is not None:
                yield stored
            yield await check_addresses(session, direct_url, rate_requests)
        except FAILURES as error:
            found = f"{url} cannot be reached: {failure_reason(error).rstrip('.')}."
            yield problem(STREAM, found, "See the log of the proxy.")


def local_address(host: str) -> tuple[str, int] | None:
    """Return the address from which to connect to a proxy at `host`; None for any."""
    # The server and this check may both be clients of a proxy on this machine: then they need different addresses.
    # Only Linux has more than one in 127.0.0.0/8 without configuration.
    return (OTHER_LOCAL_ADDRESS, 0) if sys.platform == "linux" and is_local(host) and ":" not in host else None


async def check_stream(session: ClientSession) -> Check:
    """Watch the room as a client that accepts compressed responses, and wait for the first frame."""
    headers = {"Accept-Encoding": "gzip, br, zstd"}
    try:
        async with (
            asyncio.timeout(FIRST_FRAME),
            session.get("api/stream", headers=headers, auto_decompress=False) as response,
        ):
            if await needs_key(response):
                return skipped(STREAM, f"The room is private: set {KEY_VARIABLE} to the key of an agent to check it.")
            if response.status != 200:
                return refused(STREAM, response.status, "Let the proxy pass on /api/stream.")
            if encoding := response.headers.get("Content-Encoding"):
                found = f"The proxy compresses the stream ({encoding}), so that messages arrive late."
                return problem(STREAM, found, "Exclude /api/stream from compression, as examples/Caddyfile does.")
            if not await has_event(response.content):
                return problem(STREAM, "The stream ends at once.", "Let the proxy pass on /api/stream.")
    except TimeoutError:
        found = f"Nothing arrived on the stream within {FIRST_FRAME:g} s: the proxy buffers it."
        return problem(STREAM, found, "Switch buffering off, as examples/nginx.conf does.")
    return ok(STREAM, "Frames arrive at once and uncompressed.")


async def needs_key(response: ClientResponse) -> bool:
    """Return whether it is the room itself, and no proxy, that asks for the key of an agent."""
    with suppress(*FAILURES):
        return response.status == FORBIDDEN and (await response.json())["code"] == ErrorCode.READING_NEEDS_KEY
    return False


async def has_event(stream: StreamReader) -> bool:
    """Wait for the end of the first event; return False if the stream ends before."""
    received = b""
    while b"\n\n" not in received:
        if not (piece := await stream.readany()):
            return False
        # Only the last byte is held: the first event is the history, which may be long.
        received = received[-1:] + piece
    return True


def refused(name: str, status: int, remedy: str) -> Check:
    """Return what an unexpected status says."""
    if status == TOO_MANY:
        return skipped(name, "This machine has used up its requests for now: try again in a minute.")
    return problem(name, f"The room answers with {status} where it should not.", remedy)


async def check_errors(session: ClientSession) -> Check:
    """Ask for what does not exist: agents read errors as JSON."""
    async with session.get("api/does-not-exist") as response:
        with suppress(*FAILURES):
            if response.status == 404 and (await response.json())["success"] is False:
                return ok(ERRORS, "Errors are JSON.")
    if response.status != 404:
        return refused(ERRORS, response.status, "Let the proxy pass on the server's errors, as the examples do.")
    found = "An error is not the server's own JSON, which agents read."
    return problem(ERRORS, found, "Let the proxy pass on the server's errors, as the examples do.")


async def check_cache(session: ClientSession) -> Check | None:
    """Ask twice for what no cache may store. Every response of the room has a request id of its own."""
    ids = []
    for _ in range(2):
        async with session.get("health") as response:
            ids.append(response.headers.get("X-Request-Id"))
    if ids[0] is None or ids[0] != ids[1]:
        return None
    found = "A cache stores what it may not, so that agents are shown what is for others."
    return problem(CACHE, found, "Let the cache follow Cache-Control, and store nothing else.")


async def check_addresses(session: ClientSession, direct_url: str | None, limit: Limit) -> Check:
    """Send more requests than one address may, each with another X-Forwarded-For, and see whose limit they use up."""
    if limit.count > MOST_REQUESTS or limit.window < SHORTEST_WINDOW:
        return skipped(ADDRESSES, f"The limit of an address, {limit}, is too high to try whether it holds.")
    direct = await is_limited(direct_url)
    if direct:
        return refused(ADDRESSES, TOO_MANY, "")
    if not await used_up(session, limit.count + SPARE_REQUESTS):
        found = "Clients choose the address that they are counted by, or their requests reach several nodes."
        remedy = "Let the proxy replace X-Forwarded-For by the address that it sees, and send each client to one node."
        return problem(ADDRESSES, found, remedy)
    if await is_limited(direct_url):
        found = "Clients of the proxy are counted by its address, so they all share one limit."
        return problem(ADDRESSES, found, "Let the proxy set X-Forwarded-For, and set --trusted-proxies to its address.")
    if direct is None:
        found = "No client chooses the address that it is counted by. Whether all share the proxy's was not tried"
        return ok(ADDRESSES, f"{found}: that needs the settings of the server, on its machine.")
    return ok(ADDRESSES, "Each client is counted by its own address, whatever X-Forwarded-For it sends.")


async def used_up(session: ClientSession, requests: int) -> bool:
    """Send so many requests with invented client addresses, and return whether a limit was met."""
    for start in range(0, requests, AT_A_TIME):
        numbers = range(start, min(start + AT_A_TIME, requests))
        if TOO_MANY in await asyncio.gather(*(status(session, f"198.18.{each >> 8}.{each & 255}") for each in numbers)):
            return True
    return False


async def status(session: ClientSession, address: str) -> int:
    """Return the status of the response to a client that says it has this address."""
    # Of 198.18.0.0/15, which is for tests of networks (RFC 2544), so that no client's limit is used.
    async with session.head("api/agents", headers={"X-Forwarded-For": address}) as response:
        return response.status


async def is_limited(direct_url: str | None) -> bool | None:
    """Return whether this machine has used up its requests at the server itself; None if it cannot be reached."""
    if direct_url is None:
        return None
    with suppress(ClientError, TimeoutError):
        async with ClientSession(timeout=TIMEOUT) as session, session.head(f"{direct_url}/api/agents") as response:
            return response.status == TOO_MANY
    return None
