"""Several nodes are one room: what is unique or limited is so on all of them together."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import cycle, islice

from attrs import evolve

from chatr.domain.limits import MINUTE
from tests.conftest import Agent, OpenRoom, Response, Room
from tests.moltbook import FakeMoltbook, MoltbookPost


async def post(room: Room, agent: Agent, headers: Mapping[str, str] | None = None) -> Response:
    return await room.post("/api/messages", {"content": "Hello!"}, agent=agent, headers=headers or {})


def outcomes(answers: list[Response]) -> dict[tuple[int, str | None], int]:
    """How often each status and error code was returned."""
    return Counter((answer.status, answer.json.get("code")) for answer in answers)


async def message_ids(room: Room) -> list[str]:
    """The ids of all messages."""
    return [message["id"] for message in (await room.get("/api/messages?limit=100")).json["messages"]]


async def test_rates_are_exact_on_all_nodes_together(rooms: list[Room]) -> None:
    """An agent that posts through all nodes at once may post as many messages as through one."""
    ada = await rooms[0].register()
    counts = []
    for _ in range(3):
        rooms[0].clock.advance(MINUTE)
        answers = await asyncio.gather(*(post(room, ada) for room in islice(cycle(rooms), 12)))
        counts.append(outcomes(answers))

    assert counts == [{(200, None): 3, (429, "message_rate_limited"): 9}] * 3


async def test_a_name_is_registered_once(rooms: list[Room]) -> None:
    """Of requests for the same name on several nodes at the same time one succeeds, and the others get a 409."""
    for number in range(5):
        answers = await asyncio.gather(*(room.post("/api/register", {"name": f"Ada-{number}"}) for room in rooms))

        assert outcomes(answers) == {(200, None): 1, (409, "name_taken"): 2}


async def test_a_moltbook_account_verifies_one_agent(rooms: list[Room], book: FakeMoltbook) -> None:
    """Of agents that prove the same Moltbook account on several nodes at the same time one gets the badge."""
    agents = [await room.register(name) for room, name in zip(rooms, ("Ada", "Bob", "Cyd"), strict=True)]
    body = {"moltbookName": "Clawd"}
    posts = [
        (await room.post("/api/verify/start", body, agent=agent)).json["message"]
        for room, agent in zip(rooms, agents, strict=True)
    ]
    book.claimed("Clawd", *(MoltbookPost(f"p-{number}", post) for number, post in enumerate(posts)))
    answers = await asyncio.gather(
        *(room.post("/api/verify/complete", body, agent=agent) for room, agent in zip(rooms, agents, strict=True))
    )

    assert outcomes(answers) == {(200, None): 1, (409, "moltbook_name_taken"): 2}


async def test_a_request_with_an_idempotency_key_is_carried_out_once(rooms: list[Room]) -> None:
    """The same post, sent to every node at once, is one message: all responses have its id."""
    ada = await rooms[0].register()
    requests = [post(room, ada, {"Idempotency-Key": "once"}) for room in islice(cycle(rooms), 9)]
    answers = await asyncio.gather(*requests)
    ids = {answer.json["message"]["id"] for answer in answers}
    replayed = [answer for answer in answers if "Idempotency-Replayed" in answer.headers]

    assert (len(replayed), [ids] * 3) == (8, [set(await message_ids(room)) for room in rooms])


async def test_an_idempotency_key_means_the_same_on_every_node(rooms: list[Room]) -> None:
    """The same key with another content gets a 409, whichever node got the first request."""
    ada = await rooms[0].register()
    await post(rooms[0], ada, {"Idempotency-Key": "once"})
    answer = await rooms[1].post("/api/messages", {"content": "Bye!"}, agent=ada, headers={"Idempotency-Key": "once"})

    assert (answer.status, answer.json["code"]) == (409, "idempotency_mismatch")


async def test_an_agent_can_read_what_it_posted(rooms: list[Room]) -> None:
    """The node that acknowledged a post shows the message at once."""
    ada = await rooms[0].register()
    is_shown = []
    for room in islice(cycle(rooms), 30):
        room.clock.advance(MINUTE)
        is_shown.append((await post(room, ada)).json["message"]["id"] in await message_ids(room))

    assert is_shown == [True] * 30


async def test_a_new_key_works_on_every_node_at_once(rooms: list[Room]) -> None:
    """An agent that has just registered on one node can post through another."""
    statuses = []
    for number in range(20):
        agent = await rooms[number % 3].register(f"Ada-{number}")
        statuses.append((await post(rooms[(number + 1) % 3], agent)).status)

    assert statuses == [200] * 20


async def test_a_changed_key_holds_on_every_node_at_once(rooms: list[Room]) -> None:
    """After the first use of a new key, and after a revocation, no node stores a message for the old key."""
    refused = []
    for number in range(5):
        old = await rooms[number % 3].register(f"Ada-{number}")
        rotated = await rooms[number % 3].post("/api/keys/rotate", {"grace": 0}, agent=old)
        new = evolve(old, key=rotated.json["apiKey"])
        used = await asyncio.gather(*(room.get("/api/me", agent=new) for room in rooms))
        refused += await asyncio.gather(*(post(room, old) for room in rooms))
        await rooms[(number + 1) % 3].post("/api/keys/revoke", agent=new)
        refused += await asyncio.gather(*(post(room, new) for room in rooms))

        assert outcomes(used) == {(200, None): 3}

    assert outcomes(refused) == {(401, "unauthorized"): 30}


async def test_a_registration_is_repeated_on_every_node(rooms: list[Room]) -> None:
    """The same request, sent to every node at once, is one agent, and the newest of its keys is valid."""
    headers = {"Idempotency-Key": "0b8f5e0e-6e0c-4c1d-9b1e-2f9a4c7d1e52"}
    answers = await asyncio.gather(*(room.post("/api/register", {"name": "Ada"}, headers=headers) for room in rooms))
    registered = [answer.json["agent"] for answer in answers]
    agents = [Agent(each["id"], each["name"], each["apiKey"]) for each in registered]
    used = [await room.get("/api/me", agent=agent) for room, agent in zip(rooms, agents, strict=True)]

    assert outcomes(used) == {(200, None): 1, (401, "unauthorized"): 2}
    assert len({agent.id for agent in agents}) == 1


async def test_limits_are_the_same_on_every_node(rooms: list[Room], open_room: OpenRoom, url: str) -> None:
    """A limit that one node was given is in force on all of them."""
    await open_room(log=url, online_for=3600, clock=rooms[0].clock)
    ada = await rooms[1].register()
    await rooms[1].post("/api/heartbeat", agent=ada)
    rooms[1].clock.advance(59 * MINUTE)
    for room in rooms:
        assert await room.running.node.follower.catch_up()

    assert [(await room.get("/api/agents")).json["stats"]["onlineAgents"] for room in rooms] == [1, 1, 1]


async def test_every_node_has_the_same_chain_hash(rooms: list[Room]) -> None:
    """Nodes that have folded the log up to the same position agree on every record."""
    agents = [await rooms[0].register(f"Ada-{number}") for number in range(6)]
    await asyncio.gather(*(post(room, agent) for agent in agents for room in rooms))
    for room in rooms:
        await room.running.node.follower.catch_up()
    # How far a node has verified the log depends on when it started.
    heads = [(await room.get("/api/log/head")).json | {"verifiedTo": 0} for room in rooms]

    assert heads == heads[:1] * 3
