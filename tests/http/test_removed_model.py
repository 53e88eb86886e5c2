"""A client that follows messages and removals, through any number of reconnections, holds what the room shows."""

import asyncio
from random import Random

import pytest
from attrs import define, field

from chatr.adapters.http.stream.endpoint import MAX_FIRST_BYTES
from tests.conftest import OpenRoom, Room
from tests.moderation import record_erasure, remove, restore
from tests.node_agents import LONG_TEXT, NodeAgent, register_agent
from tests.stream_client import watching


@define
class Client:
    """Holds the messages that it was sent, and drops and fetches those that `removed` frames name."""

    room: Room
    shown: set[str] = field(factory=set)
    last_id: str = ""

    async def read_until(self, message: str) -> None:
        """Connect, and read frames until this message was received, and the totals after it."""
        async with watching(self.room.running.url, "/api/stream?events=removed", last_id=self.last_id) as watch:
            is_done = False
            while not is_done:
                frame = await watch.frame()
                match frame.kind:
                    case "history":
                        self.shown = {each["id"] for each in frame.data}
                        is_done = message in self.shown
                    case "message":
                        assert frame.data["id"] not in self.shown, "each message comes once"
                        self.shown.add(frame.data["id"])
                        is_done = frame.data["id"] == message
                    case "removed" if frame.data["restored"]:
                        self.shown |= await visible(self.room, frame.data["id"])
                    case "removed":
                        self.shown.discard(frame.data["id"])
                    case _:
                        pass
            self.last_id = watch.last_id


async def visible(room: Room, message: str) -> set[str]:
    """The message, if it is shown."""
    answer = (await room.get(f"/api/messages/{message}")).json["message"]
    return set() if "removed" in answer else {message}


async def moderate(random: Random, ada: NodeAgent, messages: list[str], erased: set[str]) -> None:
    """Post, remove, restore or erase a message, but not the last one, for which clients wait."""
    text, past = LONG_TEXT if random.random() < 0.5 else "short", messages[:-1]
    match random.choice(["post", "post", "post", "remove", "remove", "restore", "erase"]):
        case "post":
            messages += await ada.post(text)
        case "erase":
            message = random.choice(past)
            erased.add(message)
            await record_erasure(ada.node, ada.agent, message)
        case "remove":
            await remove(ada.node, ada.agent, random.choice(past))
        case "restore":
            if rest := sorted(set(past) - erased):
                await restore(ada.node, ada.agent, random.choice(rest))


@pytest.mark.long
@pytest.mark.parametrize("at_once", [MAX_FIRST_BYTES, 1_000])
@pytest.mark.parametrize("seed", range(6))
async def test_a_client_holds_what_is_shown(
    open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch, seed: int, at_once: int
) -> None:
    """Whatever is removed, restored and erased while it is away or connected, and however often it reconnects.

    Of what it missed it is sent so many bytes `at_once`; with more it is behind.
    """
    monkeypatch.setattr("chatr.adapters.http.stream.endpoint.MAX_FIRST_BYTES", at_once)
    random, room = Random(seed), await open_room()
    ada = await register_agent(room.running.node)
    messages, erased = await ada.post("first", "second"), set[str]()
    clients = [Client(room) for _ in range(3)]
    for _ in range(30):
        for _ in range(random.choice([1, 5, 60])):
            await moderate(random, ada, messages, erased)
        messages += await ada.post("the end of a step")
        await asyncio.gather(
            *(client.read_until(messages[-1]) for client in random.sample(clients, 2)),
            moderate(random, ada, messages, erased),
        )
    messages += await ada.post("the end")
    for client in clients:
        await client.read_until(messages[-1])

    history = room.running.node.room.history
    expected = {str(position) for position in history.page(None, None, len(messages)).positions}
    for client in clients:
        assert client.shown == {each for each in expected if int(each) >= min(map(int, client.shown))}
