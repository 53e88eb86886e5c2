"""Looks up Moltbook accounts over HTTP. The result is a profile, an unknown account or MoltbookUnavailable.

The replies are not trusted: whatever is missing, in the wrong place or of the wrong type counts as absent.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import orjson
import structlog
from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractResolver
from yarl import URL

from chatr.adapters.moltbook_failures import reason_for
from chatr.adapters.public_addresses import PublicAddressResolver
from chatr.domain.accounts import canonical_account
from chatr.domain.proof import Profile, ProofWords
from chatr.domain.text import is_moltbook_name
from chatr.ports import MOLTBOOK_URL, MoltbookUnavailable
from chatr.secret import Secret, revealed
from chatr.web_proxy import UnusableProxy, session_options

logger = structlog.get_logger()

MAX_REPLY_BYTES: Final = 256 * 1024
MAX_POSTS_OPENED: Final = 5
"""Posts whose content is asked for in one look-up; Moltbook lists the newest first."""
X_HANDLE: Final = re.compile(r"[A-Za-z0-9_]{1,15}")
ACCOUNT_ID: Final = re.compile(r"[!-~]{1,64}")
POST_ID: Final = re.compile(r"(?!\.{1,2}$)[!-~]{1,64}")
"""Excludes "." and "..", with which the path of a post would lead to another endpoint."""


@asynccontextmanager
async def open_moltbook(
    base_url: str = MOLTBOOK_URL,
    key: str | Secret | None = None,
    *,
    timeout: float = 5.0,
    max_concurrent: int = 8,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator["HttpMoltbook"]:
    """Yield a client of the Moltbook at `base_url`. `timeout` is seconds for a whole look-up."""
    names = resolver or ThreadedResolver()
    # An operator who configures another host may mean one in a private network: a mirror, a test.
    is_public = URL(base_url).host == URL(MOLTBOOK_URL).host
    options, fault = proxy_options(base_url)
    # Through a proxy only its own name is resolved here, and it may well be in a private network.
    connector = TCPConnector(resolver=PublicAddressResolver(names) if is_public and not options else names)
    # Replies are neither requested nor read compressed, so that no small reply becomes a large one in memory.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with ClientSession(
        connector=connector,
        headers=headers | ({"Authorization": f"Bearer {revealed(key)}"} if key else {}),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=ClientTimeout(total=None),  # a look-up is several requests with one time-out
        **options,
    ) as session:
        yield HttpMoltbook(session, URL(base_url), timeout, max_concurrent, fault)


def proxy_options(url: str) -> tuple[dict[str, Any], str]:
    """Return the arguments of a session for the proxy to use, and why none can be used although one is named."""
    try:
        return session_options(url), ""
    except UnusableProxy as error:
        # Not an end of the start: most rooms live without Moltbook, and the variable may be meant for other programs.
        logger.warning("moltbook_not_reachable", reason=str(error))
        return {}, str(error)


class HttpMoltbook:
    """Looks up accounts. Implements `chatr.ports.Moltbook`.

    At most `max_concurrent` look-ups run at a time; the time that others wait counts towards their `timeout` (seconds).
    With a `fault` all of them fail, for this reason.
    """

    def __init__(
        self, session: ClientSession, base_url: URL, timeout: float, max_concurrent: int, fault: str = ""
    ) -> None:
        self._fault = fault
        self._session = session
        self._base_url = base_url
        self._timeout = timeout
        self._slots = asyncio.Semaphore(max_concurrent)

    async def profile(self, name: str, words: ProofWords) -> Profile | None:
        """Return the account `name` and the id of its post that contains `words`; None if there is no such account.

        Raises MoltbookUnavailable.
        """
        if not is_moltbook_name(name):
            return None
        if self._fault:
            raise MoltbookUnavailable(self._fault)
        try:
            async with asyncio.timeout(self._timeout), self._slots:
                return await self._look_up(name, words)
        except TimeoutError as error:
            raise MoltbookUnavailable(f"no answer within {self._timeout} s", late=True) from error
        except (ClientError, OSError, ValueError) as error:
            # The errors' own texts quote what the other side sent.
            raise MoltbookUnavailable(reason_for(error)) from error

    async def _look_up(self, name: str, words: ProofWords) -> Profile | None:
        """Do as `profile` does."""
        match await self._get((self._base_url / "agents" / "profile").with_query(name=name)):
            case None:
                return None
            case {"success": True, "agent": {"name": str(spelling)} as agent} as reply:
                # A profile of another account must not verify the one that was asked for.
                if not is_same_account(spelling, name):
                    return None
                proof, missing = await self._find_proof(listed_posts(reply, name), name, words)
                is_claimed = agent.get("is_claimed") is True
                return Profile(spelling, is_claimed, owner_handle(agent), proof, missing, account_id(agent))
            case _:
                raise MoltbookUnavailable("a reply without an agent")

    async def _find_proof(
        self, posts: list[dict[str, Any]], name: str, words: ProofWords
    ) -> tuple[str | None, tuple[str, ...]]:
        """Return the id of a post that contains `words`, or None and what the newest post with the code lacks.

        Posts are opened only if no listed content contains the words.
        """
        missing = [missing_words(post, words) for post in posts]
        for number, post in enumerate(posts[:MAX_POSTS_OPENED]):
            # Each post that is opened is one more request to Moltbook, for which somebody waits.
            if () not in missing and not text_field(post, "content"):
                missing[number] = await self._missing_from_opened_post(post["id"], name, words)
        if () in missing:
            return str(posts[missing.index(())]["id"]), ()
        return None, next((each for each in missing if each is not None), ())

    async def _missing_from_opened_post(self, post_id: str, name: str, words: ProofWords) -> tuple[str, ...] | None:
        """Request one post; return what it lacks of `words`, None if it has no code or is not by that account."""
        url = (self._base_url / "posts").joinpath(quote(post_id, safe=""), encoded=True)
        match await self._get(url):
            case {"post": {"author": {"name": str(author)}} as post}:
                return missing_words(post, words) if is_same_account(author, name) else None
            case _:  # a deleted post
                return None

    async def _get(self, url: URL) -> dict[str, Any] | None:
        """Return the JSON object at `url`, or None for a 404. Raises MoltbookUnavailable, ClientError or ValueError."""
        # A redirect is not followed, as it could carry the key to another host.
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status == 404:
                return None
            if response.status != 200:
                raise MoltbookUnavailable(f"status {response.status}")
            return parse_reply(await read_limited(response.content))


async def read_limited(content: StreamReader) -> bytes:
    """Return the whole body. Raises MoltbookUnavailable as soon as it is larger than MAX_REPLY_BYTES."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise MoltbookUnavailable(f"a reply of more than {MAX_REPLY_BYTES} bytes")
    return bytes(body)


def parse_reply(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`. Raises ValueError, or MoltbookUnavailable for other JSON."""
    # orjson and not msgspec, which raises RecursionError for deep nesting, at a depth that depends on our own stack.
    reply = orjson.loads(body)
    if not isinstance(reply, dict):
        raise MoltbookUnavailable("a reply that is not a JSON object")
    return reply


def is_same_account(spelling: str, name: str) -> bool:
    """Return whether `spelling`, from a reply, is the account that was asked for, ignoring case."""
    # The shape is checked first: the lower case of the Kelvin sign is an ordinary k.
    return is_moltbook_name(spelling) and canonical_account(spelling) == canonical_account(name)


def owner_handle(agent: dict[str, Any]) -> str | None:
    """Return the X handle of the account's owner, or None if there is none that could be one."""
    match agent:
        case {"owner": {"x_handle": str(handle)}} if X_HANDLE.fullmatch(handle):
            return handle
        case _:
            return None


def listed_posts(reply: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the posts in a profile that have an id fit to be stored and that do not name another author."""
    match reply:
        case {"recentPosts": [*posts]}:
            return [post for post in posts if may_be_proof(post, name)]
        case _:
            return []


def may_be_proof(post: Any, name: str) -> bool:
    """Return whether a listed post has a usable id, and no author other than `name`."""
    match post:
        case {"author": {"name": str(author)}} if not is_same_account(author, name):
            return False
        case {"id": str(post_id)}:
            return POST_ID.fullmatch(post_id) is not None
        case _:
            return False


def account_id(agent: dict[str, Any]) -> str | None:
    """Return Moltbook's id of the account, or None if the reply has none that can be stored."""
    match agent:
        case {"id": str(account)} if ACCOUNT_ID.fullmatch(account):
            return account
        case _:
            return None


def missing_words(post: dict[str, Any], words: ProofWords) -> tuple[str, ...] | None:
    """Return what the title and the content of a post lack of `words`; None if they do not have the code."""
    return words.missing_from(f"{text_field(post, 'title')}\n\n{text_field(post, 'content')}")


def text_field(post: dict[str, Any], field: str) -> str:
    """Return a field of a post, or "" if it is missing or is no text."""
    value = post.get(field)
    return value if isinstance(value, str) else ""
