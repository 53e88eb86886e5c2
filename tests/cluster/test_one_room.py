"""Several nodes are one room: whatever is unique or limited is so on all of them together."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import cycle, islice

from chatr.domain.limits import MINUTE
from tests.conftest import Agent, Answer, OpenRoom, Room
from tests.moltbook import FakeMoltbook, Written


async def say(room: Room, agent: Agent, headers: Mapping[str, str] | None = None) -> Answer:
    return await room.post("/api/messages", {"content": "Hello!"}, agent=agent, headers=headers or {})


def outcomes(answers: list[Answer]) -> dict[tuple[int, str | None], int]:
    return Counter((answer.status, answer.json.get("code")) for answer in answers)


async def said(room: Room) -> list[str]:
    return [message["id"] for message in (await room.get("/api/messages?limit=100")).json["messages"]]


async def test_rates_are_exact_whichever_node_is_asked(rooms: list[Room]) -> None:
    """An agent that posts through all nodes at once may say what it may say, and not a word more."""
    ada = await rooms[0].register()
    found = []
    for _ in range(3):
        rooms[0].clock.advance(MINUTE)
        answers = await asyncio.gather(*(say(room, ada) for room in islice(cycle(rooms), 12)))
        found.append(outcomes(answers))

    assert found == [{(200, None): 3, (429, "message_rate_limited"): 9}] * 3


async def test_a_name_is_given_once(rooms: list[Room]) -> None:
    """Whoever asks for the same name at the same moment on another node is told who has it."""
    for number in range(5):
        answers = await asyncio.gather(*(room.post("/api/register", {"name": f"Ada-{number}"}) for room in rooms))

        assert outcomes(answers) == {(200, None): 1, (409, "name_taken"): 2}


async def test_an_account_vouches_for_one_agent(rooms: list[Room], book: FakeMoltbook) -> None:
    """Two agents that prove the same Moltbook account at the same moment on two nodes: one of them has its badge."""
    agents = [await room.register(name) for room, name in zip(rooms, ("Ada", "Bob", "Cyd"), strict=True)]
    body = {"moltbookName": "Clawd"}
    posts = [
        (await room.post("/api/verify/start", body, agent=agent)).json["message"]
        for room, agent in zip(rooms, agents, strict=True)
    ]
    book.claimed("Clawd", *(Written(f"p-{number}", post) for number, post in enumerate(posts)))
    answers = await asyncio.gather(
        *(room.post("/api/verify/complete", body, agent=agent) for room, agent in zip(rooms, agents, strict=True))
    )

    assert outcomes(answers) == {(200, None): 1, (409, "moltbook_name_taken"): 2}


async def test_a_request_that_has_a_key_is_carried_out_once(rooms: list[Room]) -> None:
    """Sent to every node at once, the same post is one message: all are told its id, and it costs one."""
    ada = await rooms[0].register()
    tries = [say(room, ada, {"Idempotency-Key": "once"}) for room in islice(cycle(rooms), 9)]
    answers = await asyncio.gather(*tries)
    ids = {answer.json["message"]["id"] for answer in answers}
    replayed = [answer for answer in answers if "Idempotency-Replayed" in answer.headers]

    assert (len(replayed), [ids] * 3) == (8, [set(await said(room)) for room in rooms])


async def test_a_key_means_the_same_on_every_node(rooms: list[Room]) -> None:
    """The same key with another content is a mistake, whichever node knows of the first one."""
    ada = await rooms[0].register()
    await say(rooms[0], ada, {"Idempotency-Key": "once"})
    answer = await rooms[1].post("/api/messages", {"content": "Bye!"}, agent=ada, headers={"Idempotency-Key": "once"})

    assert (answer.status, answer.json["code"]) == (409, "idempotency_mismatch")


async def test_an_agent_reads_what_it_wrote(rooms: list[Room]) -> None:
    """The node that answered a post knows of it at once."""
    ada = await rooms[0].register()
    seen = []
    for room in islice(cycle(rooms), 30):
        room.clock.advance(MINUTE)
        seen.append((await say(room, ada)).json["message"]["id"] in await said(room))

    assert seen == [True] * 30


async def test_a_key_is_known_on_every_node_at_once(rooms: list[Room]) -> None:
    """An agent that registered on one node a moment ago posts through another."""
    statuses = []
    for number in range(20):
        agent = await rooms[number % 3].register(f"Ada-{number}")
        statuses.append((await say(rooms[(number + 1) % 3], agent)).status)

    assert statuses == [200] * 20


async def test_limits_are_those_of_the_log(rooms: list[Room], open_room: OpenRoom, url: str) -> None:
    """A limit that one node is given is in force on all of them."""
    await open_room(log=url, online_for=3600, clock=rooms[0].clock)
    ada = await rooms[1].register()
    await rooms[1].post("/api/heartbeat", agent=ada)
    rooms[1].clock.advance(59 * MINUTE)
    for room in rooms:
        assert await room.running.node.catch_up()

    assert [(await room.get("/api/agents")).json["stats"]["onlineAgents"] for room in rooms] == [1, 1, 1]


async def test_every_node_has_the_same_head(rooms: list[Room]) -> None:
    """Nodes that have read equally far agree upon every record so far."""
    agents = [await rooms[0].register(f"Ada-{number}") for number in range(6)]
    await asyncio.gather(*(say(room, agent) for agent in agents for room in rooms))
    for room in rooms:
        await room.running.node.catch_up()
    heads = [(await room.get("/api/log/head")).json for room in rooms]

    assert heads == heads[:1] * 3
