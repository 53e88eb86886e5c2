"""One of each request that has to do with the store."""

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import define, frozen

from chatr.domain.keys import key_of
from tests.conftest import Agent, Answer, Room
from tests.moltbook import FakeMoltbook, Written
from tests.watching import watching


@define
class Visit:
    """An agent that has said three things, of which memory holds the last two."""

    room: Room
    book: FakeMoltbook
    ada: Agent
    said: list[str]
    code: str = ""

    async def register(self) -> Answer:
        return await self.room.post("/api/register", {"name": "Bob"})

    async def say(self) -> Answer:
        return await self.room.post(
            "/api/messages", {"content": "four"}, agent=self.ada, headers={"Idempotency-Key": "4"}
        )

    async def say_again(self) -> Answer:
        return await self.say()

    async def me(self) -> Answer:
        return await self.room.get("/api/me", agent=self.ada)

    async def beat(self) -> Answer:
        return await self.room.post("/api/heartbeat", agent=self.ada)

    async def start(self) -> Answer:
        answer = await self.room.post("/api/verify/start", {"moltbookName": "Clawd"}, agent=self.ada)
        self.code = answer.json.get("code", "")
        self.book.claimed("Clawd", Written("p-1", f"[{self.code}]"))
        return answer

    async def complete(self) -> Answer:
        return await self.room.post("/api/verify/complete", {"moltbookName": "Clawd"}, agent=self.ada)

    async def old_page(self) -> Answer:
        return await self.room.get(f"/api/messages?before={self.said[1]}")

    async def at(self) -> Answer:
        return await self.room.get(f"/api/at?position={self.said[1]}")

    async def stranger(self) -> Answer:
        return await self.room.get("/api/me", headers={"Authorization": f"Bearer {key_of('0' * 30)}"})

    async def ready(self) -> Answer:
        return await self.room.get("/ready")

    async def stream(self) -> Answer:
        async with watching(self.room.running.url) as watch:
            await watch.frames(2)
            return Answer(watch.status, watch.headers, b"{}")

    async def leave(self) -> Answer:
        return await self.room.post("/api/disconnect", agent=self.ada)


@frozen
class Step:
    """What is asked, its usual answer, what it leaves beside the agent's activity, and how a repetition is answered
    where that is there already.
    """

    ask: Callable[[Visit], Awaitable[Answer]]
    status: int = 200
    leaves: tuple[str, ...] = ()
    again: int = 200


STEPS: Final = (
    Step(Visit.register, leaves=("agent-registered.v1",), again=409),
    Step(Visit.say, leaves=("message-posted.v1",)),
    Step(Visit.say_again),
    Step(Visit.me),
    Step(Visit.beat),
    Step(Visit.start, leaves=("verification-started.v1",)),
    Step(Visit.complete, leaves=("agent-verified.v1",)),
    Step(Visit.old_page),
    Step(Visit.at),
    Step(Visit.stranger, status=401),
    Step(Visit.ready),
    Step(Visit.stream),
    Step(Visit.leave, leaves=("agent-left.v1",)),
)
