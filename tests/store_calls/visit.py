"""One request of each kind that reads or writes the store."""

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import define, frozen

from chatr.domain.keys import key_from_random
from tests.conftest import Agent, Response, Room
from tests.moltbook import FakeMoltbook, MoltbookPost
from tests.stream_client import watching


@define
class Visit:
    """A room and an agent that has posted three messages, of which memory holds the last two."""

    room: Room
    moltbook: FakeMoltbook
    ada: Agent
    posted: list[str]
    """The ids of the messages."""
    code: str = ""
    """The code of the verification that was started."""

    async def register(self) -> Response:
        """Register another agent."""
        return await self.room.post("/api/register", {"name": "Bob"})

    async def post(self) -> Response:
        """Post a message with an idempotency key."""
        return await self.room.post(
            "/api/messages", {"content": "four"}, agent=self.ada, headers={"Idempotency-Key": "4"}
        )

    async def post_again(self) -> Response:
        """Post the same message with the same key."""
        return await self.post()

    async def me(self) -> Response:
        """Get the agent's own state."""
        return await self.room.get("/api/me", agent=self.ada)

    async def heartbeat(self) -> Response:
        """Send a heartbeat."""
        return await self.room.post("/api/heartbeat", agent=self.ada)

    async def start_verification(self) -> Response:
        """Start a verification, and publish its code if there is one."""
        response = await self.room.post("/api/verify/start", {"moltbookName": "Clawd"}, agent=self.ada)
        self.code = response.json.get("code", "")
        self.moltbook.claimed("Clawd", MoltbookPost("p-1", f"Ada [{self.code}]"))
        return response

    async def complete_verification(self) -> Response:
        """Complete the verification."""
        return await self.room.post("/api/verify/complete", {"moltbookName": "Clawd"}, agent=self.ada)

    async def old_page(self) -> Response:
        """Get a page of messages that are not in memory."""
        return await self.room.get(f"/api/messages?before={self.posted[1]}")

    async def room_at(self) -> Response:
        """Get the room as it was at an earlier position."""
        return await self.room.get(f"/api/at?position={self.posted[1]}")

    async def unknown_key(self) -> Response:
        """Send a request with a key that no agent has."""
        return await self.room.get("/api/me", headers={"Authorization": f"Bearer {key_from_random('0' * 30)}"})

    async def ready(self) -> Response:
        """Ask whether the node is ready."""
        return await self.room.get("/ready")

    async def stream(self) -> Response:
        """Open a stream and receive its first two frames."""
        async with watching(self.room.running.url) as watch:
            await watch.frames(2)
            return Response(watch.status, watch.headers, b"{}")

    async def leave(self) -> Response:
        """Disconnect the agent."""
        return await self.room.post("/api/disconnect", agent=self.ada)


@frozen
class Step:
    """A request, its usual status, the types that it stores besides the agent's activity, and the status of a
    repetition if these are stored already.
    """

    request: Callable[[Visit], Awaitable[Response]]
    status: int = 200
    stores: tuple[str, ...] = ()
    repeated_status: int = 200


STEPS: Final = (
    Step(Visit.register, stores=("agent-registered.v1",), repeated_status=409),
    Step(Visit.post, stores=("message-posted.v1",)),
    Step(Visit.post_again),
    Step(Visit.me),
    Step(Visit.heartbeat),
    Step(Visit.start_verification, stores=("verification-started.v1",)),
    Step(Visit.complete_verification, stores=("agent-verified.v1",)),
    Step(Visit.old_page),
    Step(Visit.room_at),
    Step(Visit.unknown_key, status=401),
    Step(Visit.ready),
    Step(Visit.stream),
    Step(Visit.leave, stores=("agent-left.v1",)),
)
