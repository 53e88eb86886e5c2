"""Keys on two nodes that share one log: a change at one of them holds at both."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from attrs import define, evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.events import Cursor
from chatr.node.timeouts import NodeTimeouts
from chatr.ports import Draft, Stored
from chatr.testing.clock import SettableClock
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import Agent, OpenRoom, Room

REQUEST = {"Idempotency-Key": "0b8f5e0e-6e0c-4c1d-9b1e-2f9a4c7d1e52"}


class LateLog(FaultyLog):
    """A log whose tail can be held back, so that the node on it does not learn what others append."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__(log)
        self.flows, self.appending = asyncio.Event(), asyncio.Event()
        self.flows.set()

    def hold_back(self) -> None:
        """Hold the tail back, and set `appending` at the next append."""
        self.flows.clear()
        self.appending.clear()

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """As `EventLog.append`."""
        self.appending.set()
        return await super().append(draft, expected=expected)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`, while `flows` is set."""
        async for batch in super().tail(after):
            await self.flows.wait()
            yield batch


@define
class Nodes:
    """Two nodes; what the first one stores is late at the second one when `late` does not flow."""

    first: Room
    second: Room
    late: LateLog


@pytest.fixture
async def nodes(open_room: OpenRoom) -> Nodes:
    memory, clock = MemoryLog(), SettableClock()
    late, quick = LateLog(memory), NodeTimeouts(fold=0.5, catch_up=0.05)
    first = await open_room(event_log=memory, clock=clock)
    second = await open_room(event_log=late, clock=clock, node_timeouts=quick)
    return Nodes(first, second, late)


@pytest.fixture
async def ada(nodes: Nodes) -> Agent:
    """An agent that both nodes know."""
    ada = await nodes.first.register()
    assert [(await node.post("/api/heartbeat", agent=ada)).status for node in (nodes.second, nodes.first)] == [200, 200]
    return ada


async def rotated(room: Room, agent: Agent, grace: int) -> Agent:
    """Return the agent with a new key, which was not used yet."""
    answer = await room.post("/api/keys/rotate", {"grace": grace}, agent=agent)
    return evolve(agent, key=answer.json["apiKey"])


async def test_a_new_key_is_valid_at_the_other_node_at_once(nodes: Nodes, ada: Agent) -> None:
    """A node folds the whole log before it rejects a key that it does not know."""
    new = await rotated(nodes.first, ada, 0)

    assert (await nodes.second.get("/api/me", agent=new)).status == 200
    assert (await nodes.first.get("/api/me", agent=ada)).status == 401


async def test_a_node_that_is_late_does_not_reject_a_new_key(nodes: Nodes, ada: Agent) -> None:
    """It responds with 503, as it may not know the key yet; a moment later the key is valid."""
    nodes.late.hold_back()
    new = await rotated(nodes.first, ada, 0)
    late = await nodes.second.get("/api/me", agent=new)
    nodes.late.flows.set()

    assert (late.status, late.json["code"]) == (503, "not_ready")
    assert (await nodes.second.get("/api/me", agent=new)).status == 200


async def test_concurrent_first_uses_at_both_nodes(nodes: Nodes, ada: Agent) -> None:
    """Both succeed, and one record says that the key is in use."""
    new = await rotated(nodes.first, ada, 0)
    await nodes.second.get("/api/me", agent=ada)
    answers = await asyncio.gather(*(node.get("/api/me", agent=new) for node in (nodes.first, nodes.second) * 3))
    types = [record.type for record in await nodes.late.log.read(0, 1000)]

    assert [answer.status for answer in answers] == [200] * 6
    assert types.count("key-activated.v1") == 1


async def test_a_revoked_key_is_void_at_the_other_node_when_that_has_folded_it(nodes: Nodes, ada: Agent) -> None:
    """Reading ends with the fold of the record, which the node does not wait for."""
    await nodes.first.post("/api/keys/revoke", agent=ada)
    await nodes.second.running.node.follower.catch_up()

    assert (await nodes.second.get("/api/me", agent=ada)).status == 401


@pytest.mark.parametrize("grace", [None, 0], ids=["revoked", "replaced"])
async def test_a_late_node_stores_nothing_for_a_void_key(grace: int | None, nodes: Nodes, ada: Agent) -> None:
    """A post with a void key conflicts with the record that made it void, and is rejected, before that is folded."""
    nodes.late.hold_back()
    if grace is None:
        await nodes.first.post("/api/keys/revoke", agent=ada)
    else:
        await nodes.first.get("/api/me", agent=await rotated(nodes.first, ada, grace))
    post = asyncio.create_task(nodes.second.post("/api/messages", {"content": "Stolen"}, agent=ada))
    await nodes.late.appending.wait()
    nodes.late.flows.set()
    answer = await post

    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    assert (await nodes.first.get("/api/messages")).json["messages"] == []


async def test_a_registration_is_repeated_at_the_other_node(nodes: Nodes) -> None:
    """Behind a load balancer the request may reach another node, which is late: the agent is the same."""
    nodes.late.hold_back()
    first = (await nodes.first.post("/api/register", {"name": "Ada"}, headers=REQUEST)).json["agent"]
    again = asyncio.create_task(nodes.second.post("/api/register", {"name": "Ada"}, headers=REQUEST))
    await nodes.late.appending.wait()
    nodes.late.flows.set()
    second = (await again).json["agent"]
    agents = [Agent(each["id"], each["name"], each["apiKey"]) for each in (first, second)]

    assert first["id"] == second["id"]
    assert [(await nodes.first.get("/api/me", agent=agent)).status for agent in agents] == [401, 200]
