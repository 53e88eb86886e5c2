"""An HTTP server that behaves like Moltbook, or fails like any other server."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web
from attrs import frozen

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@frozen
class MoltbookPost:
    """A post of an account, or of `author`. If `brief`, the profile lists it without its content."""

    id: str
    content: str | None = None
    title: str = "Hello"
    brief: bool = False
    author: str | None = None

    def listed(self) -> dict[str, object]:
        """Return the post as a profile lists it."""
        post: dict[str, object] = {"id": self.id, "title": self.title}
        return post if self.brief else post | {"content": self.content}

    def opened(self, account: str) -> dict[str, object]:
        """Return the reply of the post's own endpoint."""
        post = {"id": self.id, "title": self.title, "content": self.content, "author": {"name": self.author or account}}
        return {"success": True, "post": post, "comments": []}


def profile_reply(
    name: str,
    *posts: MoltbookPost,
    claimed: bool = True,
    owner: str | None = "someone",
    account_id: str | None = None,
) -> dict[str, Any]:
    """Return Moltbook's reply about an account; tests change it field by field."""
    agent: dict[str, object] = {"name": name, "is_claimed": claimed}
    if account_id is not None:
        agent["id"] = account_id
    if owner is not None:
        agent["owner"] = {"x_handle": owner}
    return {"success": True, "agent": agent, "recentPosts": [post.listed() for post in posts]}


def reply_with_body(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a handler that always sends this response."""

    async def reply(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)

    return reply


unknown_account = reply_with_body(b'{"success":false,"error":"Bot not found"}', status=404)


class FakeMoltbook:
    """Runs on a free port of the loopback while its block runs. Accounts that were not added are unknown."""

    def __init__(self, ssl: SSLContext | None = None) -> None:
        self.requests: list[str] = []
        """Path and query of each request, as they were received."""
        self.headers: list[Mapping[str, str]] = []
        """The headers of each request."""
        self._ssl = ssl
        self._accounts: dict[str, Reply] = {}
        self._posts: dict[str, Reply] = {}
        self._arrived = asyncio.Condition()
        self._released = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._record])
        app.router.add_get("/api/v1/agents/profile", self._profile)
        app.router.add_get("/api/v1/posts/{id}", self._post)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._ssl).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port on which the server listens."""
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """The base URL to be configured in chatr."""
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/api/v1"

    async def arrived(self, count: int) -> None:
        """Wait until `count` requests have arrived since the server was started."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    def release(self) -> None:
        """Send the replies of slow accounts."""
        self._released.set()

    def claimed(
        self, name: str, *posts: MoltbookPost, owner: str | None = "someone", account_id: str | None = None
    ) -> None:
        """Add an account that its owner has claimed."""
        self.set_reply_json(name, profile_reply(name, *posts, owner=owner, account_id=account_id))
        self._publish(name, posts)

    def unclaimed(self, name: str, *posts: MoltbookPost) -> None:
        """Add an account that nobody has claimed."""
        self.set_reply_json(name, profile_reply(name, *posts, claimed=False, owner=None))
        self._publish(name, posts)

    def renamed(self, name: str, reply_name: str, *posts: MoltbookPost) -> None:
        """Reply to a look-up of `name` with the account `reply_name`."""
        self.set_reply_json(name, profile_reply(reply_name, *posts))
        self._publish(reply_name, posts)

    def set_reply_json(self, name: str, reply: object) -> None:
        """Reply to a look-up of `name` with this JSON."""
        self.set_reply(name, reply_with_body(msgspec.json.encode(reply)))

    def broken(self, name: str) -> None:
        """Reply with JSON whose last character is missing."""
        self.set_reply(name, reply_with_body(msgspec.json.encode(profile_reply(name))[:-1]))

    def failing(self, name: str, status: int) -> None:
        """Reply with a good body and this status."""
        self.set_reply(name, reply_with_body(msgspec.json.encode(profile_reply(name)), status))

    def redirecting(self, name: str, to: str) -> None:
        """Reply with a redirect to the URL `to`."""
        self.set_reply(name, reply_with_body(msgspec.json.encode(profile_reply(name)), 302, {"Location": to}))

    def large(self, name: str, size: int, *posts: MoltbookPost) -> None:
        """Reply with a good body, padded to `size` bytes."""
        self.set_reply(name, reply_with_body(msgspec.json.encode(profile_reply(name, *posts)).ljust(size)))

    def compressed(self, name: str) -> None:
        """Reply with a gzipped body, though the client does not accept one."""
        packed = gzip.compress(msgspec.json.encode(profile_reply(name)))
        self.set_reply(name, reply_with_body(packed, headers={"Content-Encoding": "gzip"}))

    def breaking_off(self, name: str) -> None:
        """Close the connection in the middle of the reply."""

        async def reply(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"success":true,')
            response.force_close()
            return response

        self.set_reply(name, reply)

    def endless(self, name: str) -> None:
        """Send a body without end, until the client closes the connection."""

        async def reply(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b" " * 65536)

        self.set_reply(name, reply)

    def slow(self, name: str, *posts: MoltbookPost) -> None:
        """Send the reply when `release` is called."""
        self.set_reply(name, self.waiting(profile_reply(name, *posts)))

    def waiting(self, reply: object) -> Reply:
        """Return a handler that sends this JSON when `release` is called."""

        async def wait_and_reply(_request: web.Request) -> web.Response:
            await self._released.wait()
            return web.json_response(reply)

        return wait_and_reply

    def set_reply(self, name: str, reply: Reply) -> None:
        """Handle look-ups of `name` with `reply`."""
        self._accounts[name.lower()] = reply

    def set_post_reply(self, post_id: str, reply: Reply) -> None:
        """Handle requests for a post with `reply`."""
        self._posts[post_id] = reply

    def _publish(self, account: str, posts: tuple[MoltbookPost, ...]) -> None:
        for post in posts:
            self.set_post_reply(post.id, reply_with_body(msgspec.json.encode(post.opened(account))))

    @web.middleware
    async def _record(self, request: web.Request, handler: Reply) -> web.StreamResponse:
        async with self._arrived:
            self.requests.append(request.raw_path)
            self.headers.append(request.headers)
            self._arrived.notify_all()
        return await handler(request)

    async def _profile(self, request: web.Request) -> web.StreamResponse:
        return await self._accounts.get(request.query["name"].lower(), unknown_account)(request)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        return await self._posts.get(request.match_info["id"], unknown_account)(request)
