"""Moltbook over HTTP. Whatever it answers becomes a profile, an unknown account or MoltbookUnavailable, never more.

No redirect is followed: it could carry the key elsewhere. No reply is unpacked: compressed ones are not JSON, and so
no small reply becomes a large one. Whatever stands in the wrong place counts as absent.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import quote

import orjson
from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from chatr.domain.commands import Profile
from chatr.domain.events import account
from chatr.domain.text import is_moltbook_name
from chatr.ports import MoltbookUnavailable

MOLTBOOK: Final = "https://www.moltbook.com/api/v1"
LARGEST: Final = 256 * 1024
"""Bytes of one reply."""
NEWEST: Final = 5
"""Posts that are opened at most; Moltbook lists the newest first."""
OWNER: Final = re.compile(r"[A-Za-z0-9_]{1,15}")
POST_ID: Final = re.compile(r"(?!\.{1,2}$)[!-~]{1,64}")
"""Neither "." nor "..", which would lead elsewhere."""


@asynccontextmanager
async def moltbook(
    base: str = MOLTBOOK,
    key: str | None = None,
    *,
    patience: float = 5.0,
    at_once: int = 8,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator["HttpMoltbook"]:
    """Moltbook at `base`, for as long as the block runs. `patience` is seconds for a whole look-up."""
    names = resolver or ThreadedResolver()
    # Whoever configures another host may well mean a private one: a mirror, a test.
    public = URL(base).host == URL(MOLTBOOK).host
    connector = TCPConnector(resolver=PublicAddresses(names) if public else names)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with ClientSession(
        connector=connector,
        headers=headers | ({"Authorization": f"Bearer {key}"} if key else {}),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=ClientTimeout(total=None),  # a look-up is several requests, and has one time-out
    ) as session:
        yield HttpMoltbook(session, URL(base), patience, at_once)


class HttpMoltbook:
    """At most `at_once` look-ups run; the next ones wait for their turn, and that is part of their `patience`."""

    def __init__(self, session: ClientSession, base: URL, patience: float, at_once: int) -> None:
        self._session = session
        self._base = base
        self._patience = patience
        self._turns = asyncio.Semaphore(at_once)

    async def profile(self, name: str, code: str) -> Profile | None:
        if not is_moltbook_name(name):
            return None
        try:
            async with asyncio.timeout(self._patience), self._turns:
                return await self._look_up(name, f"[{code}]")
        except TimeoutError as error:
            raise MoltbookUnavailable(f"no answer within {self._patience} s", late=True) from error
        except (ClientError, OSError, ValueError) as error:
            # Only the type: the errors' own words quote what the other side sent.
            raise MoltbookUnavailable(type(error).__name__) from error

    async def _look_up(self, name: str, mark: str) -> Profile | None:
        match await self._get((self._base / "agents" / "profile").with_query(name=name)):
            case None:
                return None
            case {"success": True, "agent": {"name": str(spelled)} as agent} as reply:
                if not is_same(spelled, name):
                    return None
                proof = await self._proof(posts_of(reply, name), name, mark)
                return Profile(spelled, agent.get("is_claimed") is True, owner_of(agent), proof)
            case _:
                raise MoltbookUnavailable("a reply without an agent")

    async def _proof(self, posts: list[dict[str, Any]], name: str, mark: str) -> str | None:
        """The id of a post that holds the mark. Posts are opened only if none shows it by itself."""
        for post in posts:
            if holds(post, mark):
                return str(post["id"])
        for post in posts[:NEWEST]:
            if not text(post, "content") and await self._opened(post["id"], name, mark):
                return str(post["id"])
        return None

    async def _opened(self, post_id: str, name: str, mark: str) -> bool:
        """That post is by that account and holds the mark. One that is gone does not."""
        url = (self._base / "posts").joinpath(quote(post_id, safe=""), encoded=True)
        match await self._get(url):
            case {"post": {"author": {"name": str(author)}} as post}:
                return is_same(author, name) and holds(post, mark)
            case _:
                return False

    async def _get(self, url: URL) -> dict[str, Any] | None:
        """The JSON object there; None = 404."""
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status == 404:
                return None
            if response.status != 200:
                raise MoltbookUnavailable(f"status {response.status}")
            return parsed(await bounded(response.content))


class PublicAddresses(AbstractResolver):
    """Resolves no name that leads into a private network: a forged DNS answer must not reach the node's neighbours."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(ip_address(each["host"]).is_global for each in found):
            raise OSError(f"{host} leads to a private address")
        return found

    async def close(self) -> None:
        await self._resolver.close()


async def bounded(content: StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            raise MoltbookUnavailable(f"a reply of more than {LARGEST} bytes")
    return bytes(body)


def parsed(body: bytes) -> dict[str, Any]:
    reply = orjson.loads(body)
    if not isinstance(reply, dict):
        raise MoltbookUnavailable("a reply that is not a JSON object")
    return reply


def is_same(said: str, name: str) -> bool:
    """Moltbook means the account that was asked for. The shape first: a Kelvin sign is a k in lower case."""
    return is_moltbook_name(said) and account(said) == account(name)


def owner_of(agent: dict[str, Any]) -> str | None:
    match agent:
        case {"owner": {"x_handle": str(handle)}} if OWNER.fullmatch(handle):
            return handle
        case _:
            return None


def posts_of(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The posts listed there that have an id fit to be kept and are not said to be someone else's."""
    match reply:
        case {"recentPosts": [*posts]}:
            return [post for post in posts if is_listed(post, name)]
        case _:
            return []


def is_listed(post: Any, name: str) -> bool:
    match post:
        case {"author": {"name": str(author)}} if not is_same(author, name):
            return False
        case {"id": str(post_id)}:
            return POST_ID.fullmatch(post_id) is not None
        case _:
            return False


def holds(post: dict[str, Any], mark: str) -> bool:
    return mark in text(post, "title") or mark in text(post, "content")


def text(post: dict[str, Any], field: str) -> str:
    found = post.get(field)
    return found if isinstance(found, str) else ""
