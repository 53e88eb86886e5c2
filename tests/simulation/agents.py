"""Agents that lose connections, repeat requests, and send requests to several nodes at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final

import msgspec.json
from attrs import define, field

from chatr.domain.identity import AgentId
from chatr.domain.keys import hash_key
from chatr.domain.proof import Profile, ProofWords
from chatr.ports import MoltbookUnavailable
from tests.simulation import key_activities
from tests.simulation.check_ins import check_in
from tests.simulation.key_uses import check_key_use, key_use
from tests.simulation.network import PendingRequest, Response
from tests.simulation.oracle import IntendedMessage, Oracle
from tests.simulation.process import Process
from tests.simulation.visibility import hidden_at

TIMEOUT: Final = 30.0
"""Seconds after which an agent gives up a request."""
STATUSES: Final = frozenset((200, 400, 401, 403, 404, 409, 429, 502, 503, 504))
"""Statuses that a response may have, whatever goes wrong."""
KEYS_KNOWN: Final = 6
"""Keys that an agent tries besides the one that it uses."""
ACCOUNTS: Final = ("ClawdCrab", "clawdcrab", "ClawdLobster", "ClawdShrimp")


@define
class SimulatedMoltbook:
    """Implements `chatr.ports.Moltbook`: most claims are true, some are not, and sometimes there is no answer."""

    random: Random

    async def profile(self, name: str, words: ProofWords) -> Profile | None:
        """As `Moltbook.profile`."""
        await asyncio.sleep(self.random.random() / 10)
        chance = self.random.random()
        if chance < 0.1:
            raise MoltbookUnavailable("no answer", late=chance < 0.05)
        proof = f"post-{words.code}" if chance < 0.9 else None
        return None if chance > 0.95 else Profile(name, claimed=chance < 0.85, owner=None, proof=proof)


def request(method: str, path: str, body: object, key: str, idempotency_key: str | None) -> bytes:
    """The bytes of a request after which the connection is closed."""
    raw = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(raw)}"]
    lines += ["Content-Type: application/json"] * bool(raw)
    lines += [f"Authorization: Bearer {key}"] * bool(key)
    lines += [f"Idempotency-Key: {idempotency_key}"] * bool(idempotency_key)
    return "\r\n".join((*lines, "", "")).encode() + raw


@define(eq=False)
class AgentClient:
    """One agent and all that it does; `cut` is the probability that it closes a connection before the response."""

    number: int
    random: Random
    oracle: Oracle
    processes: list[Process]
    cut: float
    note: Callable[..., None]
    id: str = ""
    key: str = ""
    other_keys: list[str] = field(factory=list)
    busy: int = 0
    cursor: str | None = None
    cursor_generation: int | None = None
    _posted: int = 0
    _keyed: list[IntendedMessage] = field(factory=list)
    """Recent messages with an idempotency key."""

    async def act(self) -> None:
        """Do something at random; first of all register."""
        self.busy += 1
        try:
            if not self.key:
                await key_activities.register(self)
                return
            (activity,) = self.random.choices(tuple(ACTIVITIES), tuple(ACTIVITIES.values()))
            await activity(self)
        finally:
            self.busy -= 1

    async def send_request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        idempotency_key: str | None = None,
        to: Process | None = None,
    ) -> Response | None:
        """The response of a node, by default a random one, to a request with a key, by default the agent's own.

        None if the connection was lost before it.
        """
        process, key = to or self.random.choice(self.processes), self.key if key is None else key
        use = key_use(self.oracle, process, key)
        response = await self._response(process, request(method, path, body, key, idempotency_key))
        self.note("agent", self.number, process.name, response.status if response else "lost")
        if response is None:
            return None
        if response.status not in STATUSES:
            self.oracle.report(f"{process.name} answered {response}")
        # Nobody needs a key to read.
        if key and not path.startswith("/api/messages?"):
            check_key_use(self.oracle, process, use, response.status)
        if response.status == 401 and key == self.key:
            self.key = self.other_keys.pop() if self.other_keys else ""
        return response

    def become(self, agent: str, key: str) -> None:
        """Be the agent with this id and key from now on."""
        if agent == self.id:
            self.add_key(key, is_next=True)
        else:
            self.id, self.key, self.other_keys, self.cursor = agent, key, [], None
            self._keyed.clear()

    def add_key(self, key: str, *, is_next: bool) -> None:
        """Know one more key; if it `is_next`, use it from now on."""
        others = [each for each in (*self.other_keys, self.key, key) if each and each != (key if is_next else self.key)]
        self.key, self.other_keys = key if is_next else self.key, list(dict.fromkeys(others))[-KEYS_KNOWN:]

    async def _response(self, process: Process, raw: bytes) -> Response | None:
        pending = PendingRequest(asyncio.get_running_loop().create_future())
        try:
            connection = process.connect(pending)
        except ConnectionRefusedError:
            await asyncio.sleep(self.random.random() / 10)
            return None
        connection.send(raw)
        is_cut = self.random.random() < self.cut
        try:
            async with asyncio.timeout(self.random.random() / 20 if is_cut else TIMEOUT):
                return await pending.response
        except TimeoutError:
            return None
        finally:
            connection.close()

    def _new_message(self, idempotency_key: str | None) -> IntendedMessage:
        """A message with a content that no other message has."""
        self._posted += 1
        branch = self.oracle.branch
        mention, target = "", None
        if branch.agents_by_name and self.random.random() < 0.3:
            mention = f"@{branch.room.agents[AgentId(self.random.choice(list(branch.agents_by_name.values())))].name} "
        if branch.messages and self.random.random() < 0.3:
            target = self.random.choice(branch.messages[-20:]).position
        content = f"{mention}{self.number}.{self._posted} says {self.id[:4]}"
        message = IntendedMessage(self.id, content, idempotency_key, target)
        self.oracle.intended[message.content] = message
        return message

    async def post(self) -> None:
        """Post a new message. With an idempotency key it is repeated until it is acknowledged, or given up."""
        keyed = self.random.random() < 0.8
        message = self._new_message(f"key-{self._posted}" if keyed else None)
        if keyed:
            self._keyed = [*self._keyed[-8:], message]
        await self._send(message)
        while keyed and message.acknowledged_at is None and self.random.random() < 0.7:
            await asyncio.sleep(self.random.random() * self.random.choice((0, 0.1, 2)))
            await self._send(message)

    async def repeat(self) -> None:
        """Send an earlier message with its idempotency key again, whether or not it was stored."""
        if self._keyed:
            await self._send(self.random.choice(self._keyed))

    async def reuse_key(self) -> None:
        """Post another content with the idempotency key of an earlier message, which is a mistake."""
        if self._keyed and (earlier := self.random.choice(self._keyed)).acknowledged_at is not None:
            await self._send(self._new_message(earlier.key))

    async def _send(self, message: IntendedMessage) -> None:
        if message.agent != self.id or not self.key:
            return
        process = self.random.choice(self.processes)
        generation, began = self.oracle.request_sent(message, hash_key(self.key), process.node), process.now()
        body = {"content": message.content, "replyTo": message.reply_to}
        response = await self.send_request("POST", "/api/messages", body, idempotency_key=message.key, to=process)
        self.oracle.response_received(message, response, generation, began, process.now())
        is_there = generation == self.oracle.generation and message.reply_to in self.oracle.branch.by_position
        if response is not None and response.code == "reply_not_found" and is_there:
            self.oracle.report(f"{process.name} does not find {message.reply_to}")

    async def heartbeat(self) -> None:
        """Stay online."""
        await self.send_request("POST", "/api/heartbeat")

    async def leave(self) -> None:
        """Go offline."""
        await self.send_request("POST", "/api/disconnect")

    async def read_profile(self) -> None:
        """Ask for its own state."""
        await self.send_request("GET", "/api/me")

    async def read_messages(self) -> None:
        """Read a page of old or new messages, or wait for a new one."""
        process, messages = self.random.choice(self.processes), self.oracle.branch.messages
        generation, hidden = self.oracle.generation_of(process.node), hidden_at(process.node)
        after = self.random.choice(messages).position if messages else 0
        wait = self.random.choice((0, 0, 3))
        query = f"after={after}&limit={self.random.randint(1, 60)}&wait={wait}"
        response = await self.send_request("GET", f"/api/messages?{query}", to=process)
        if response is not None and response.status == 200 and generation == self.oracle.generation:
            found, branch = response.json["messages"], self.oracle.branch
            self.oracle.visibility.check_page(branch, after, found, hidden, process.node)

    async def verify(self) -> None:
        """Start a verification and complete it."""
        body: dict[str, Any] = {"moltbookName": self.random.choice(ACCOUNTS)}
        response = await self.send_request("POST", "/api/verify/start", body)
        if response is not None and response.status == 200:
            await self.send_request("POST", "/api/verify/complete", body)


ACTIVITIES: Final[Mapping[Callable[[AgentClient], Awaitable[None]], float]] = {
    AgentClient.post: 20,
    AgentClient.repeat: 3,
    AgentClient.reuse_key: 2,
    AgentClient.heartbeat: 2,
    AgentClient.leave: 1,
    AgentClient.read_profile: 1,
    AgentClient.read_messages: 2,
    AgentClient.verify: 2,
    check_in: 4,
    key_activities.rotate: 1,
    key_activities.use_other_key: 2,
    key_activities.revoke: 0.3,
}
"""What an agent does, and how often in comparison."""
