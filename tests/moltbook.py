"""A server that behaves like Moltbook, well and badly. Nothing in it is a mock: it is asked over HTTP."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web
from attrs import frozen

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@frozen
class Written:
    """A post. `brief`: its content is not in the profile, only where the post is opened. `author`: not the account."""

    id: str
    content: str | None = None
    title: str = "Hello"
    brief: bool = False
    author: str | None = None

    def listed(self) -> dict[str, object]:
        post: dict[str, object] = {"id": self.id, "title": self.title}
        return post if self.brief else post | {"content": self.content}

    def opened(self, account: str) -> dict[str, object]:
        post = {"id": self.id, "title": self.title, "content": self.content, "author": {"name": self.author or account}}
        return {"success": True, "post": post, "comments": []}


def profile(name: str, *posts: Written, claimed: bool = True, owner: str | None = "someone") -> dict[str, Any]:
    """What Moltbook answers about an account; tests spoil it field by field."""
    agent: dict[str, object] = {"name": name, "is_claimed": claimed}
    if owner is not None:
        agent["owner"] = {"x_handle": owner}
    return {"success": True, "agent": agent, "recentPosts": [post.listed() for post in posts]}


def saying(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)

    return answer


unknown = saying(b'{"success":false,"error":"Bot not found"}', status=404)


class FakeMoltbook:
    """Runs on a free port while its block runs. An account that was not added is unknown."""

    def __init__(self, ssl: SSLContext | None = None) -> None:
        self.requests: list[str] = []
        """Paths with their queries, as they came over the wire."""
        self.headers: list[Mapping[str, str]] = []
        self._ssl = ssl
        self._accounts: dict[str, Answer] = {}
        self._posts: dict[str, Answer] = {}
        self._arrived = asyncio.Condition()
        self._released = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._note])
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
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/api/v1"

    async def arrived(self, count: int) -> None:
        """Wait until so many requests have come in all."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    def release(self) -> None:
        """Let the slow accounts answer."""
        self._released.set()

    def claimed(self, name: str, *posts: Written, owner: str | None = "someone") -> None:
        self.says(name, profile(name, *posts, owner=owner))
        self._publish(name, posts)

    def unclaimed(self, name: str, *posts: Written) -> None:
        self.says(name, profile(name, *posts, claimed=False, owner=None))
        self._publish(name, posts)

    def renamed(self, name: str, spelled: str, *posts: Written) -> None:
        """Asked for `name`, Moltbook tells of `spelled`."""
        self.says(name, profile(spelled, *posts))
        self._publish(spelled, posts)

    def says(self, name: str, reply: object) -> None:
        self.answers(name, saying(orjson.dumps(reply)))

    def broken(self, name: str) -> None:
        self.answers(name, saying(orjson.dumps(profile(name))[:-1]))

    def failing(self, name: str, status: int) -> None:
        """Only the status tells that something is wrong."""
        self.answers(name, saying(orjson.dumps(profile(name)), status))

    def redirecting(self, name: str, to: str) -> None:
        self.answers(name, saying(orjson.dumps(profile(name)), 302, {"Location": to}))

    def large(self, name: str, size: int, *posts: Written) -> None:
        """All is well with the reply but that it is `size` bytes long."""
        self.answers(name, saying(orjson.dumps(profile(name, *posts)).ljust(size)))

    def compressed(self, name: str) -> None:
        packed = gzip.compress(orjson.dumps(profile(name)))
        self.answers(name, saying(packed, headers={"Content-Encoding": "gzip"}))

    def breaking_off(self, name: str) -> None:
        """Hangs up in the middle of its reply."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"success":true,')
            response.force_close()
            return response

        self.answers(name, answer)

    def endless(self, name: str) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:  # until the other side hangs up, which is what is asked of it
                await response.write(b" " * 65536)

        self.answers(name, answer)

    def slow(self, name: str, *posts: Written) -> None:
        """Answers only once it is released."""
        self.answers(name, self.waiting(profile(name, *posts)))

    def waiting(self, reply: object) -> Answer:
        async def answer(_request: web.Request) -> web.Response:
            await self._released.wait()
            return web.json_response(reply)

        return answer

    def answers(self, name: str, answer: Answer) -> None:
        self._accounts[name.lower()] = answer

    def opens(self, post_id: str, answer: Answer) -> None:
        self._posts[post_id] = answer

    def _publish(self, account: str, posts: tuple[Written, ...]) -> None:
        for post in posts:
            self.opens(post.id, saying(orjson.dumps(post.opened(account))))

    @web.middleware
    async def _note(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        async with self._arrived:
            self.requests.append(request.raw_path)
            self.headers.append(request.headers)
            self._arrived.notify_all()
        return await handler(request)

    async def _profile(self, request: web.Request) -> web.StreamResponse:
        return await self._accounts.get(request.query["name"].lower(), unknown)(request)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        return await self._posts.get(request.match_info["id"], unknown)(request)
