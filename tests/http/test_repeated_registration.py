"""POST /api/register with an Idempotency-Key: whoever lost the response asks again."""

import asyncio
from typing import Final

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.identity import AgentId
from chatr.domain.key_commands import IssueKey
from chatr.domain.keys import hash_key, key_from_random
from chatr.domain.limits import HOUR, Limit
from chatr.ports import OutcomeUnknown
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import Agent, OpenRoom, Response, Room

REQUEST: Final = "0b8f5e0e-6e0c-4c1d-9b1e-2f9a4c7d1e52"


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


@pytest.fixture
async def room(open_room: OpenRoom, log: FaultyLog) -> Room:
    return await open_room(event_log=log)


async def register(room: Room, name: str = "Ada", key: str = REQUEST, avatar: str | None = None) -> Response:
    body = {"name": name, "avatar": avatar}
    return await room.post("/api/register", body, headers={"Idempotency-Key": key})


def agent_of(answer: Response) -> Agent:
    """Return the agent in the response to a registration."""
    assert answer.status == 200, answer.json
    return Agent(answer.json["agent"]["id"], answer.json["agent"]["name"], answer.json["agent"]["apiKey"])


async def use(room: Room, agent: Agent) -> int:
    """Use a key, and return the status."""
    return (await room.get("/api/me", agent=agent)).status


def status_and_code(answer: Response) -> tuple[int, str]:
    """Return what programs look at."""
    return answer.status, answer.json["code"]


async def test_a_repeated_registration_gives_the_same_agent_a_new_key(room: Room) -> None:
    """The key of the lost response is void, the new one is valid, and everything else is as it was."""
    first, again = await register(room, avatar="🤖"), await register(room, avatar="🦀")
    agents = [agent_of(first), agent_of(again)]

    assert {**again.json["agent"], "apiKey": agents[0].key} == first.json["agent"]
    assert again.json["message"] == first.json["message"]
    assert [await use(room, agent) for agent in agents] == [401, 200]


async def test_a_registration_cannot_be_repeated_after_its_key_was_used(room: Room) -> None:
    """Then its response has arrived; the name is taken."""
    agent = agent_of(await register(room))
    await use(room, agent)

    assert status_and_code(await register(room)) == (409, "name_taken")
    assert await use(room, agent) == 200


async def test_a_registration_replaces_no_key_of_an_operator(room: Room) -> None:
    """Whoever registered a name cannot void the key that an operator has given to somebody else meanwhile."""
    agent = agent_of(await register(room))
    key = key_from_random("o" * 30)
    command = IssueKey(AgentId(agent.id), hash_key(key), 0, room.clock.now(), by="grace")
    await room.running.node.commands.handle(command)
    refused = await register(room)

    assert status_and_code(refused) == (409, "name_taken")
    assert await use(room, evolve(agent, key=key)) == 200


async def test_a_registration_can_be_repeated_within_an_hour(room: Room) -> None:
    """The key of the last repetition stays valid for ever, but there is no further one after an hour."""
    await register(room)
    room.clock.advance(HOUR - 1)
    agent = agent_of(await register(room))
    room.clock.advance(1)

    assert status_and_code(await register(room)) == (409, "name_taken")
    assert await use(room, agent) == 200


@pytest.mark.parametrize(
    ("name", "key"), [("Ada", REQUEST[:-1] + "3"), ("ADA", REQUEST), ("A-da", REQUEST), ("Ada", REQUEST.upper())]
)
async def test_another_request_is_no_repetition(name: str, key: str, room: Room) -> None:
    """With another Idempotency-Key or another spelling of the name, the name is taken."""
    agent = agent_of(await register(room))

    assert status_and_code(await register(room, name, key)) == (409, "name_taken")
    assert await use(room, agent) == 200


async def test_without_an_idempotency_key_nothing_is_repeated(room: Room) -> None:
    """A request without the header neither repeats one that had it, nor can be repeated."""
    await register(room)
    plain = [await room.post("/api/register", {"name": name}) for name in ("Ada", "Bob")]

    assert [answer.status for answer in plain] == [409, 200]
    assert status_and_code(await register(room, "Bob")) == (409, "name_taken")


@pytest.mark.parametrize(
    "key", ["", "x", "x" * 21, "x" * 65, "ü" * 22, "x" * 21 + "\t", "x" * 10 + "\u2028" + "y" * 11]
)
async def test_a_key_that_others_could_guess_is_rejected(key: str, room: Room, log: FaultyLog) -> None:
    """Whoever knows the Idempotency-Key could take the agent, so it has at least 22 characters."""
    position = await log.log.head()
    answer = await register(room, key=key)

    assert status_and_code(answer) == (400, "invalid_idempotency_key")
    assert answer.json["error"].startswith("The Idempotency-Key of a registration must be 22-64 printable ASCII")
    assert await log.log.head() == position


@pytest.mark.parametrize("key", ["x" * 22, "x" * 64, "a b" * 8])
async def test_a_long_key_is_accepted(key: str, room: Room) -> None:
    """22 to 64 printable ASCII characters are a key."""
    agent_of(await register(room, key=key))

    assert (await register(room, key=key)).status == 200


async def test_a_registration_in_doubt_is_repeated(room: Room, log: FaultyLog) -> None:
    """After `outcome_unknown` the same request gives the agent, whether or not the first one was stored."""
    for name, is_stored in (("Ada", True), ("Bob", False)):
        log.fail("append", OutcomeUnknown("no answer"), after_effect=is_stored)
        doubtful = await register(room, name)
        log.heal()
        again = await register(room, name)

        assert (doubtful.status, doubtful.json["code"], again.status) == (503, "outcome_unknown", 200)


async def test_concurrent_repetitions(room: Room) -> None:
    """Of many requests at the same time all succeed, and one key is valid."""
    agents = [agent_of(answer) for answer in await asyncio.gather(*(register(room) for _ in range(5)))]
    used = [await use(room, agent) for agent in agents]

    assert sorted(used) == [200, 401, 401, 401, 401]
    assert len({agent.id for agent in agents}) == 1


async def test_a_repetition_needs_no_quota_of_its_address(open_room: OpenRoom) -> None:
    """Where the response of the last registration that the limit allows is lost, the agent is not."""
    room = await open_room(rate_registrations=Limit(1, HOUR))
    await register(room)

    assert [(await register(room)).status for _ in range(3)] == [200] * 3
    assert status_and_code(await register(room, "Bob")) == (429, "registration_rate_limited")


async def test_repetitions_are_limited(room: Room, log: FaultyLog) -> None:
    """An agent that is registered again and again gets as many keys as a day allows."""
    answers = [await register(room) for _ in range(12)]

    assert [answer.status for answer in answers] == [200] * 11 + [409]
    assert await log.log.head() == 1 + 11
    assert await use(room, agent_of(answers[-2])) == 200


async def test_a_registered_agent_is_pending_but_complete(room: Room) -> None:
    """Its first request activates the key; from then on it may rotate it."""
    agent = agent_of(await register(room))
    new = await room.post("/api/keys/rotate", {"grace": 0}, agent=agent)

    assert await use(room, evolve(agent, key=new.json["apiKey"])) == 200
    assert await use(room, agent) == 401


async def test_neither_keys_are_stored(room: Room, log: FaultyLog) -> None:
    """The log has the digests of the API keys and of the Idempotency-Key, and none of them in clear."""
    keys = [agent_of(await register(room)).key for _ in range(2)]
    content = "".join(record.data for record in await log.log.read(0, 1000))

    assert all(hash_key(key) in content for key in (*keys, REQUEST))
    assert not any(key in content for key in (*keys, REQUEST))
