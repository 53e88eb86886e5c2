"""POST /api/keys/rotate and /revoke: a new key takes the place of the old ones when it is used."""

import asyncio
from typing import Any

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.commands import Post
from chatr.domain.identity import AgentId
from chatr.domain.key_commands import IssueKey, RevokeKey
from chatr.domain.keys import hash_key, is_key, key_from_random
from chatr.domain.limits import HOUR, SECOND
from chatr.domain.moderation_commands import Suspend
from chatr.domain.rule import RuleViolated
from chatr.ports import LogUnavailable, OutcomeUnknown
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import Agent, OpenRoom, Room


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


@pytest.fixture
async def room(open_room: OpenRoom, log: FaultyLog) -> Room:
    return await open_room(event_log=log)


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has been online."""
    ada = await room.register("Ada")
    await room.post("/api/heartbeat", agent=ada)
    return ada


async def rotated(room: Room, agent: Agent, body: object = None) -> Agent:
    """Return the agent with a new key, which was not used yet."""
    answer = await room.post("/api/keys/rotate", body, agent=agent)
    assert answer.status == 200, answer.json
    return evolve(agent, key=answer.json["apiKey"])


async def statuses(room: Room, *agents: Agent) -> list[int]:
    """Return the status that each key gets."""
    return [(await room.post("/api/heartbeat", agent=agent)).status for agent in agents]


async def stored(log: FaultyLog) -> list[str]:
    """Return the types of all records."""
    return [record.type for record in await log.log.read(0, 1000)]


@pytest.mark.parametrize("body", [None, {}, {"grace": None}, {"agentId": 7}])
async def test_a_new_key(body: object, room: Room, ada: Agent) -> None:
    """Without a grace the old key stays valid for an hour after the first use of the new one."""
    answer = await room.post("/api/keys/rotate", body, agent=ada)

    assert answer.json == {"success": True, "apiKey": answer.json["apiKey"], "oldKeyValidFor": 3600}
    assert is_key(answer.json["apiKey"])
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_request_without_a_body_needs_no_content_type(room: Room, ada: Agent) -> None:
    """`curl -X POST` sends neither a body nor its type."""
    async with room.http.post("/api/keys/rotate", headers=ada.bearer) as answer:
        assert answer.status == 200


async def test_the_old_key_is_valid_until_the_grace_after_the_first_use(room: Room, ada: Agent) -> None:
    """A lost response loses nothing: both keys are valid until the new one is used, and for the grace after that."""
    new = await rotated(room, ada, {"grace": 60})
    room.clock.advance(HOUR)
    before = await statuses(room, ada, new, ada)
    room.clock.advance(60 * SECOND - 1)
    last = await statuses(room, ada)
    room.clock.advance(1)

    assert (before, last) == ([200, 200, 200], [200])
    assert await statuses(room, ada, new) == [401, 200]


async def test_without_grace_the_old_key_is_void_with_the_first_use(room: Room, ada: Agent) -> None:
    """An agent whose key somebody may know closes it by using the new one."""
    new = await rotated(room, ada, {"grace": 0})

    assert await statuses(room, ada, new, ada) == [200, 200, 401]


async def test_rotating_again_replaces_the_key_that_was_not_used(room: Room, ada: Agent) -> None:
    """Of several new keys the last one is valid."""
    first, second = await rotated(room, ada), await rotated(room, ada)

    assert await statuses(room, first, second, ada) == [401, 200, 200]


async def test_a_chain_of_rotations(room: Room, ada: Agent) -> None:
    """Each new key may ask for the next one; a grace of 0 ends the grace of all earlier keys."""
    second = await rotated(room, ada)
    third = await rotated(room, second, {"grace": 0})

    assert await statuses(room, ada, second, third, second, ada) == [200, 200, 200, 401, 401]


@pytest.mark.parametrize("grace", [-1, -1.0, 86_401, 0.5, "60", True, [60], 2**53, 1e15], ids=repr)
async def test_an_invalid_grace_is_rejected(grace: Any, room: Room, ada: Agent, log: FaultyLog) -> None:
    """The error has the allowed form, and nothing is stored."""
    before = await stored(log)
    answer = await room.post("/api/keys/rotate", {"grace": grace}, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_grace")
    assert answer.json["error"].startswith("The grace of an old key must be 0-86400 seconds.")
    assert await stored(log) == before


@pytest.mark.parametrize("grace", [86_400, 86_400.0])
async def test_the_longest_grace(grace: float, room: Room, ada: Agent) -> None:
    """An old key may stay valid for a day, however JSON writes the number."""
    answer = await room.post("/api/keys/rotate", {"grace": grace}, agent=ada)

    assert answer.raw.endswith(b'"oldKeyValidFor":86400}')


@pytest.mark.parametrize("body", [b"[]", b"null", b"{", b"grace=60"])
async def test_a_body_that_is_no_object_is_rejected(body: bytes, room: Room, ada: Agent) -> None:
    """A body is optional, but not any body."""
    headers = {"Content-Type": "application/json", **ada.bearer}
    async with room.http.post("/api/keys/rotate", data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "invalid_json")


async def test_new_keys_have_a_rate_limit(room: Room, ada: Agent, log: FaultyLog) -> None:
    """The eleventh new key of a day is rejected with the time to wait, and is not stored."""
    answers = [await room.post("/api/keys/rotate", agent=ada) for _ in range(11)]

    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert (answers[-1].json["code"], answers[-1].json["retryAfter"]) == ("key_rate_limited", 86_400)
    assert answers[-1].headers["Retry-After"] == "86400"
    assert answers[-1].json["error"].startswith("The rate limit for new keys is 10 per 24 hours.")
    assert (await stored(log)).count("key-issued.v1") == 10


async def test_a_key_that_an_operator_issued_is_not_replaced(room: Room, ada: Agent) -> None:
    """Whoever holds the old key cannot void the one that the operator has given to the owner."""
    key = key_from_random("o" * 30)
    command = IssueKey(AgentId(ada.id), hash_key(key), 0, room.clock.now(), by="grace")
    await room.running.node.commands.handle(command)
    refused = await room.post("/api/keys/rotate", agent=ada)

    assert (refused.status, refused.json["code"]) == (409, "operator_key_pending")
    assert await statuses(room, evolve(ada, key=key), ada) == [200, 401]


async def test_a_revoked_key_is_void_at_once(room: Room, ada: Agent) -> None:
    """A revoked key is rejected from then on, by this call too."""
    assert (await room.post("/api/keys/revoke", agent=ada)).json == {"success": True}
    again = await room.post("/api/keys/revoke", agent=ada)

    assert (again.status, again.json["code"]) == (401, "unauthorized")
    assert again.json["error"].startswith("This API key is unknown here, or was revoked or replaced.")


async def test_revoking_a_key_leaves_the_others(room: Room, ada: Agent) -> None:
    """The new key is valid after the old one was revoked, and the old one after the new one."""
    second = await rotated(room, ada)
    await room.post("/api/keys/revoke", agent=ada)
    third = await rotated(room, second)
    await statuses(room, third)
    await room.post("/api/keys/revoke", agent=third)

    assert await statuses(room, ada, second, third) == [401, 200, 401]


async def test_revoking_a_new_key_is_no_use_of_it(room: Room, ada: Agent, log: FaultyLog) -> None:
    """Whoever gives up a key that was not used yet keeps the old one, which its first use would have replaced."""
    new = await rotated(room, ada, {"grace": 0})
    answer = await room.post("/api/keys/revoke", agent=new)

    assert answer.json == {"success": True}
    assert await statuses(room, new, ada) == [401, 200]
    assert "key-activated.v1" not in await stored(log)


async def test_concurrent_first_uses_activate_a_key_once(room: Room, ada: Agent, log: FaultyLog) -> None:
    """However many requests are the first with a new key, one record says so."""
    new = await rotated(room, ada)
    answers = await asyncio.gather(*(room.get("/api/me", agent=new) for _ in range(10)))

    assert [answer.status for answer in answers] == [200] * 10
    assert (await stored(log)).count("key-activated.v1") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(LogUnavailable("the store is away"), "storage_unavailable"), (OutcomeUnknown("no answer"), "outcome_unknown")],
)
async def test_a_first_use_that_cannot_be_stored(
    error: Exception, code: str, room: Room, ada: Agent, log: FaultyLog
) -> None:
    """While the store is away a new key gets a 503, the old one stays valid, and later both are."""
    new = await rotated(room, ada)
    log.fail("append", error)
    away = await room.get("/api/me", agent=new)
    old = await room.get("/api/me", agent=ada)
    log.heal()

    assert (away.status, away.json["code"], old.status) == (503, code, 200)
    assert int(away.headers["Retry-After"]) >= 1
    assert await statuses(room, new, ada) == [200, 200]


@pytest.mark.parametrize("path", ["/api/keys/rotate", "/api/keys/revoke"])
async def test_a_change_that_cannot_be_stored(path: str, room: Room, ada: Agent, log: FaultyLog) -> None:
    """While the store is away keys stay as they are."""
    log.fail("append", LogUnavailable("the store is away"))
    answer = await room.post(path, agent=ada)
    log.heal()

    assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")
    assert b"chatr_" not in answer.raw
    assert await statuses(room, ada) == [200]


async def test_a_post_that_waits_while_its_key_is_revoked_is_rejected(room: Room, ada: Agent, log: FaultyLog) -> None:
    """Whoever sends a post before the key is revoked cannot have it stored afterwards."""
    commands, agent, now = room.running.node.commands, AgentId(ada.id), room.clock.now()
    hold = log.hold("append")
    revoke = asyncio.create_task(commands.handle(RevokeKey(agent, hash_key(ada.key), now)))
    await hold.reached.wait()
    post = asyncio.create_task(commands.handle(Post(agent, "Hello!", now), hash_key(ada.key)))
    await asyncio.sleep(0)
    hold.release()
    await revoke

    with pytest.raises(RuleViolated, match="The key must be a valid key of the agent"):
        await post


async def test_changing_keys_is_activity(room: Room, ada: Agent, log: FaultyLog) -> None:
    """Like every request with a key, a rotation brings an agent online, by a record of its own."""
    await room.post("/api/disconnect", agent=ada)
    await rotated(room, ada)

    assert [agent["name"] for agent in (await room.get("/api/agents")).json["agents"]] == ["Ada"]
    assert (await stored(log))[-2:] == ["key-issued.v1", "agent-seen.v1"]


async def test_a_suspended_agent_changes_its_keys(room: Room, ada: Agent, log: FaultyLog) -> None:
    """It may rotate, use the new key and revoke, which leaves no activity, and it stays offline."""
    suspend = Suspend(AgentId(ada.id), None, "It posts advertisements.", "grace", room.clock.now())
    await room.running.node.commands.handle(suspend)
    new = await rotated(room, ada)
    me = await room.get("/api/me", agent=new)
    revoked = await room.post("/api/keys/revoke", agent=ada)
    post = await room.post("/api/messages", {"content": "Hello!"}, agent=new)

    assert (me.status, me.json["agent"]["online"], revoked.status) == (200, False, 200)
    assert (post.status, post.json["code"]) == (403, "suspended")
    assert (await stored(log))[-3:] == ["key-issued.v1", "key-activated.v1", "key-revoked.v1"]


async def test_no_key_is_stored(room: Room, ada: Agent, log: FaultyLog) -> None:
    """The log holds no key that was ever given out, only digests."""
    second = await rotated(room, ada)
    third = await rotated(room, second)
    await statuses(room, second, third)
    await room.post("/api/keys/revoke", agent=third)
    content = "".join(record.data for record in await log.log.read(0, 1000))
    keys = [agent.key.removeprefix("chatr_") for agent in (ada, second, third)]

    assert [key for key in keys if key[:30] in content] == []
    assert all(hash_key(f"chatr_{key}") in content for key in keys)
