"""Agents that are cut off, repeat themselves, and speak to two nodes at once."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, Final

import orjson
from attrs import define, field

from chatr.domain.commands import Profile, agent_id
from chatr.domain.keys import digest_of
from chatr.ports import MoltbookUnavailable
from tests.simulation.network import Answer, Asking
from tests.simulation.process import Process
from tests.simulation.truth import Saying, Truth

PATIENCE: Final = 30.0
STATUSES: Final = frozenset((200, 400, 401, 403, 404, 409, 429, 502, 503, 504))
ACCOUNTS: Final = ("ClawdCrab", "clawdcrab", "ClawdLobster", "ClawdShrimp")
ACTIVITIES: Final = {"say": 20, "repeat": 3, "mistake": 2, "beat": 2, "leave": 1, "me": 1, "look": 2, "verify": 2}


@define
class Book:
    """Fulfils `chatr.ports.Moltbook`: everybody is who they say, mostly."""

    random: Random

    async def profile(self, name: str, code: str) -> Profile | None:
        await asyncio.sleep(self.random.random() / 10)
        chance = self.random.random()
        if chance < 0.1:
            raise MoltbookUnavailable("no answer", late=chance < 0.05)
        proof = f"post-{code}" if chance < 0.9 else None
        return None if chance > 0.95 else Profile(name, claimed=chance < 0.85, owner=None, proof=proof)


def request(method: str, path: str, body: object, key: str, name: str | None) -> bytes:
    raw = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: room", "Connection: close", f"Content-Length: {len(raw)}"]
    lines += ["Content-Type: application/json"] * bool(raw)
    lines += [f"Authorization: Bearer {key}"] * bool(key)
    lines += [f"Idempotency-Key: {name}"] * bool(name)
    return "\r\n".join((*lines, "", "")).encode() + raw


@define(eq=False)
class Visitor:
    """One agent and all that it does; `cut` is how often it loses a connection, out of one."""

    number: int
    random: Random
    truth: Truth
    processes: list[Process]
    cut: float
    note: Callable[..., None]
    id: str = ""
    key: str = ""
    busy: int = 0
    _said: int = 0
    _old: list[Saying] = field(factory=list)

    async def act(self) -> None:
        """Whatever comes to its mind."""
        self.busy += 1
        try:
            if not self.key:
                await self._register()
                return
            (activity,) = self.random.choices(tuple(ACTIVITIES), tuple(ACTIVITIES.values()))
            await getattr(self, f"_{activity}")()
        finally:
            self.busy -= 1

    async def _ask(
        self, method: str, path: str, body: object = None, *, name: str | None = None, of: Process | None = None
    ) -> Answer | None:
        """None: it is not known what came of it. `name` is what the agent calls the request, if it does."""
        process, shown = of or self.random.choice(self.processes), self.key
        answer = await self._answer(process, request(method, path, body, shown, name))
        self.note("agent", self.number, process.name, answer.status if answer else "lost")
        if answer is not None and answer.status not in STATUSES:
            self.truth.wrong(f"{process.name} answered {answer}")
        if answer is not None and answer.status == 401 and shown == self.key:
            if self.truth.must_know(self.id, digest_of(shown), process.node):
                self.truth.wrong(f"{process.name} does not know agent {self.number}")
            self.key = ""
        return answer

    async def _answer(self, process: Process, asked: bytes) -> Answer | None:
        asking = Asking(asyncio.get_running_loop().create_future())
        try:
            pipe = process.connect(asking)
        except ConnectionRefusedError:
            await asyncio.sleep(self.random.random() / 10)
            return None
        pipe.send(asked)
        impatient = self.random.random() < self.cut
        try:
            async with asyncio.timeout(self.random.random() / 20 if impatient else PATIENCE):
                return await asking.answer
        except TimeoutError:
            return None
        finally:
            pipe.close()

    async def _register(self) -> None:
        """Some names are taken, and some look like one that is."""
        name = f"agent-{self.random.randint(0, 40):02}".replace("0", self.random.choice("0o"))
        answer = await self._ask("POST", "/api/register", {"name": name})
        if answer is None or answer.status != 200:
            return
        self.id, self.key = answer.json["agent"]["id"], answer.json["agent"]["apiKey"]
        self._old.clear()
        assert self.id == agent_id(name)

    def _saying(self, key: str | None) -> Saying:
        self._said += 1
        saying = Saying(self.id, f"{self.number}.{self._said} says {self.id[:4]}", key)
        self.truth.sayings[saying.content] = saying
        return saying

    async def _say(self) -> None:
        keyed = self.random.random() < 0.8
        saying = self._saying(f"key-{self._said}" if keyed else None)
        if keyed:
            self._old = [*self._old[-8:], saying]
        await self._tell(saying)
        while keyed and saying.told is None and self.random.random() < 0.7:
            await asyncio.sleep(self.random.random() * self.random.choice((0, 0.1, 2)))
            await self._tell(saying)

    async def _repeat(self) -> None:
        """Something that was said, or perhaps not, is said again with its key."""
        if self._old:
            await self._tell(self.random.choice(self._old))

    async def _mistake(self) -> None:
        """A key that stands for something else already."""
        if self._old and (old := self.random.choice(self._old)).told is not None:
            await self._tell(self._saying(old.key))

    async def _tell(self, saying: Saying) -> None:
        if saying.agent != self.id or not self.key:
            return
        process = self.random.choice(self.processes)
        generation, began = self.truth.asks(saying, process.node), process.clock.now()
        answer = await self._ask("POST", "/api/messages", {"content": saying.content}, name=saying.key, of=process)
        self.truth.answered(saying, answer, generation, began, process.clock.now())

    async def _beat(self) -> None:
        await self._ask("POST", "/api/heartbeat")

    async def _leave(self) -> None:
        await self._ask("POST", "/api/disconnect")

    async def _me(self) -> None:
        await self._ask("GET", "/api/me")

    async def _look(self) -> None:
        """A page of what was said, old or new; or it waits for something new."""
        process, messages = self.random.choice(self.processes), self.truth.branch.messages
        generation = self.truth.generation_of(process.node)
        after = self.random.choice(messages).position if messages else 0
        wait = self.random.choice((0, 0, 3))
        query = f"after={after}&limit={self.random.randint(1, 60)}&wait={wait}"
        answer = await self._ask("GET", f"/api/messages?{query}", of=process)
        if answer is not None and answer.status == 200 and generation == self.truth.generation:
            self.truth.pages(after, answer.json["messages"])

    async def _verify(self) -> None:
        name: dict[str, Any] = {"moltbookName": self.random.choice(ACCOUNTS)}
        answer = await self._ask("POST", "/api/verify/start", name)
        if answer is not None and answer.status == 200:
            await self._ask("POST", "/api/verify/complete", name)
