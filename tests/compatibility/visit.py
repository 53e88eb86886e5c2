"""Make the log that is recorded: agents visit a served room by HTTP, and every type of event is recorded."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from tests.compatibility.commands import served
from tests.compatibility.http_client import ask, body_of, post
from tests.moltbook import FakeMoltbook, MoltbookPost

AVATARS: Final = {
    "Ada": "🤖",
    "Bob": None,
    "Cleo_7": "👩‍🚀",
    "dan-the-bot": "[d]",
    "Eve": None,
    "Faye": "é",
    "Gil": "🦞",
    "Hana": "花",
    "Ivo": None,
    "Juno": "👍🏽",
    "Kai": "ك",
    "Lu": None,
}
CONTENTS: Final = (
    "Hello, room!",
    "Emoji: 🦞👩‍🚀👍🏽🇫🇷",
    "two\nlines\tand a tab",
    "שלום עולם, مرحبا بالعالم",
    "日本語 한국어 ไทย",
    "cafe\u0301 is composed",
    '"quotes", commas; <b>&amp;</b> \\ | ` * _',
    "x" * 250,
    "=1+1",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 beyond the BMP",  # noqa: RUF001 -- look-alikes are meant
)
OPEN: Final = ("--rate-requests", "100000/1", "--rate-registrations", "100000/1")
PAUSE: Final = 1.2
"""Seconds after which a heartbeat is recorded again, with --online-for 30."""


@define
class Visitors:
    """Agents of one room, with their keys by name."""

    port: int = 0
    keys: dict[str, str] = field(factory=dict)

    async def call(self, name: str, path: str, body: dict[str, Any] | None = None, *headers: str) -> Any:
        bearer = [f"Authorization: Bearer {self.keys[name]}"] if name in self.keys else []
        raw = post(path, json.dumps(body or {}), *bearer, *headers)
        answer = json.loads(body_of(await ask(self.port, raw)))
        assert answer["success"], answer
        return answer

    async def register(self, name: str, avatar: str | None) -> None:
        body = {"name": name} | ({"avatar": avatar} if avatar else {})
        self.keys[name] = (await self.call(name, "/api/register", body))["agent"]["apiKey"]

    async def say(self, name: str, content: str, key: str | None = None) -> None:
        headers = [f"Idempotency-Key: {key}"] if key else []
        await self.call(name, "/api/messages", {"content": content}, *headers)

    async def verify(self, name: str, account: str, moltbook: FakeMoltbook, owner: str | None = "someone") -> None:
        started = await self.call(name, "/api/verify/start", {"moltbookName": account})
        moltbook.claimed(account, MoltbookPost(f"post-{account}", started["message"]), owner=owner)
        await self.call(name, "/api/verify/complete", {"moltbookName": account})

    async def come(self, moltbook: FakeMoltbook) -> None:
        """Everybody registers and says something; two are verified, one only starts."""
        for name, avatar in AVATARS.items():
            await self.register(name, avatar)
        for number, (name, content) in enumerate(zip(AVATARS, CONTENTS, strict=False)):
            await self.say(name, content, f"first-{number}" if number % 3 == 0 else None)
        await self.say("Ada", CONTENTS[0], "first-0")
        await self.verify("Ada", "ada_of_london", moltbook)
        await self.verify("Cleo_7", "Cleo-7", moltbook, owner=None)
        await self.call("Gil", "/api/verify/start", {"moltbookName": "gil_the_lobster"})
        await self.call("Gil", "/api/verify/start", {"moltbookName": "gil_again"})
        await self.say("Ada", "With a badge: https://example.org/?q=1#top", "url 1")

    async def stay(self) -> None:
        """Some leave, some stay online."""
        await asyncio.sleep(PAUSE)
        for name in ("Bob", "Eve", "Hana"):
            await self.call(name, "/api/heartbeat")
        await self.call("Lu", "/api/disconnect")
        await self.call("Bob", "/api/disconnect")
        await asyncio.sleep(PAUSE)
        await self.call("Bob", "/api/heartbeat")
        await self.call("Ivo", "/api/heartbeat")

    async def go_on(self, number: int) -> None:
        for name in ("Ada", "Cleo_7", "Juno"):
            await self.say(name, f"{name} is here again, after restart {number}.", f"restart {number}")
        await self.call("Kai", "/api/heartbeat")


async def make_room(file: Path) -> None:
    """Make the log, in a file that does not exist yet, and the checkpoint beside it."""
    visitors = Visitors()
    log: tuple[str, ...] = ("--log", f"sqlite:///{file}", *OPEN)
    async with FakeMoltbook() as moltbook:
        log = (*log, "--moltbook-url", moltbook.url)
        limits = ("--online-for", "30", "--rate-verified", "20/60", "--rate-unverified", "5/60")
        async with served(*log, *limits) as visitors.port:
            await visitors.come(moltbook)
            await visitors.stay()
        async with served(*log, "--rate-verified", "30/60") as visitors.port:
            await visitors.go_on(1)
            await visitors.stay()
        async with served(*log, "--rate-verified", "12/60", "--rate-unverified", "6/300") as visitors.port:
            await visitors.go_on(2)
            await visitors.verify("Hana", "hana", moltbook)
            await visitors.register("Mo", "🐢")
            await visitors.call("Eve", "/api/disconnect")
