"""POST /api/recover/start and /complete: the Moltbook account of a badge vouches for a new key."""

import asyncio
import re
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.identity import AgentId
from chatr.domain.keys import hash_key, is_key, key_from_random
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.moderation_commands import Suspend
from chatr.ports import LogUnavailable
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import Agent, OpenRoom, Response, Room
from tests.moltbook import FakeMoltbook, MoltbookPost, unknown_account

CLAWD = "ClawdClawderberg"


@pytest.fixture
async def moltbook() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as moltbook:
        yield moltbook


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


@pytest.fixture
async def room(open_room: OpenRoom, moltbook: FakeMoltbook, log: FaultyLog) -> Room:
    """A room whose clients come through a proxy, so that they may have different addresses."""
    proxies, url = (ip_network("127.0.0.0/8"),), "https://chat.example.org"
    return await open_room(event_log=log, moltbook_url=moltbook.url, trusted_proxies=proxies, public_url=url)


async def verified(room: Room, moltbook: FakeMoltbook, name: str, account: str, account_id: str | None) -> Agent:
    """Return an agent with a badge."""
    agent = await room.register(name)
    started = await room.post("/api/verify/start", {"moltbookName": account}, agent=agent)
    moltbook.claimed(account, MoltbookPost("p-1", started.json["message"]), account_id=account_id)
    assert (await room.post("/api/verify/complete", {"moltbookName": account}, agent=agent)).status == 200
    return agent


@pytest.fixture
async def ada(room: Room, moltbook: FakeMoltbook) -> Agent:
    """An agent with a badge, whose account has an id."""
    return await verified(room, moltbook, "Ada", CLAWD, "17")


async def start(room: Room, name: object = "Ada") -> Response:
    return await room.post("/api/recover/start", {"name": name})


async def complete(room: Room, key: str, name: str = "Ada", address: str = "192.0.2.1") -> Response:
    """Complete a recovery from an address."""
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": address}
    return await room.post("/api/recover/complete", {"name": name}, headers=headers)


def publish(moltbook: FakeMoltbook, text: str, account_id: str | None = "17") -> None:
    """Let the account of the badge post a text on Moltbook."""
    moltbook.claimed(CLAWD, MoltbookPost("p-2", text), account_id=account_id)


async def recovered(room: Room, moltbook: FakeMoltbook, agent: Agent) -> Agent:
    """Return the agent with a new key."""
    task = (await start(room, agent.name)).json
    publish(moltbook, task["message"])
    assert (await complete(room, task["apiKey"], agent.name)).status == 200
    return evolve(agent, key=task["apiKey"])


def status_and_code(answer: Response) -> tuple[int, str]:
    """Return what programs look at."""
    return answer.status, answer.json["code"]


async def test_start_returns_a_key_and_what_to_post(room: Room, ada: Agent, log: FaultyLog) -> None:
    """The task has a new key, its code, the account, the text to post and the steps; nothing is stored."""
    records = await log.log.head()
    task: dict[str, Any] = (await start(room)).json

    assert is_key(task["apiKey"])
    assert re.fullmatch("[A-HJ-NP-Z2-9]{20}", task["code"])
    assert (task["moltbookName"], task["postTo"]) == (CLAWD, "https://www.moltbook.com")
    assert task["message"] == f"RECOVER my 🦞 account as Ada at https://chat.example.org [{task['code']}]"
    assert len(task["instructions"]) == 3
    assert (await log.log.head(), task["success"]) == (records, True)


async def test_each_start_has_its_own_key_and_code(room: Room, ada: Agent) -> None:
    """Two starts have nothing in common: nobody learns anything about the owner's key."""
    first, second = (await start(room)).json, (await start(room)).json

    assert first["apiKey"] != second["apiKey"]
    assert first["code"] != second["code"]


async def test_the_new_key_opens_the_agent_and_no_other_does(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """After the recovery the old keys, and one that was not used yet, are void."""
    pending = (await room.post("/api/keys/rotate", agent=ada)).json["apiKey"]
    new = await recovered(room, moltbook, ada)
    answers = [await room.get("/api/me", agent=each) for each in (new, ada, evolve(ada, key=pending))]

    assert [answer.status for answer in answers] == [200, 401, 401]
    assert answers[0].json["agent"]["moltbookName"] == CLAWD


async def test_the_response_of_a_recovery(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """The response names the agent as it is spelled."""
    task = (await start(room, " ada ")).json
    publish(moltbook, task["message"])
    answer = await complete(room, task["apiKey"], "ada")

    assert answer.json == {"success": True, "name": "Ada", "message": "This key opens Ada. All others are void."}


async def test_a_new_key_opens_nothing_before(room: Room, ada: Agent) -> None:
    """Until the recovery is completed the new key is unknown, and the old one is valid."""
    key = (await start(room)).json["apiKey"]

    assert (await room.get("/api/me", agent=evolve(ada, key=key))).status == 401
    assert (await room.get("/api/me", agent=ada)).status == 200


async def test_a_repeated_completion_succeeds(room: Room, moltbook: FakeMoltbook, ada: Agent, log: FaultyLog) -> None:
    """Whoever lost the response repeats the request, which needs neither Moltbook nor another record."""
    new = await recovered(room, moltbook, ada)
    requests, records = len(moltbook.requests), await log.log.head()
    again = await complete(room, new.key)

    assert (again.status, again.json["name"]) == (200, "Ada")
    assert (len(moltbook.requests), await log.log.head()) == (requests, records)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("RECOVER Ada at chat.example.org", None),
        ("RECOVER Ada at chat.example.org {code}", None),
        ("RECOVER at chat.example.org [{code}]", "the agent's name Ada"),
        ("RECOVER Adam at chat.example.org [{code}]", "the agent's name Ada"),
        ("RECOVER Ada at example.org [{code}]", "the host chat.example.org"),
        ("Ada at chat.example.org [{code}]", "the word RECOVER"),
        ("RECOVERY of Ada at chat.example.org [{code}]", "the word RECOVER"),
        ("> RECOVER Ada at chat.example.org [{code}]", None),
        ("[{code}]", "the agent's name Ada and the host chat.example.org and the word RECOVER"),
    ],
)
async def test_a_post_that_is_no_proof(
    text: str, missing: str | None, room: Room, moltbook: FakeMoltbook, ada: Agent
) -> None:
    """The error says what the post lacks, and which code it must have; the old key stays valid."""
    task = (await start(room)).json
    publish(moltbook, text.format(code=task["code"]))
    answer = await complete(room, task["apiKey"])

    assert status_and_code(answer) == (404, "recovery_post_not_found")
    assert answer.json["recoveryCode"] == task["code"]
    assert ("The post lacks" in answer.json["error"]) == (missing is not None)
    assert f"The post lacks {missing}." in answer.json["error"] or missing is None
    assert (await room.get("/api/me", agent=ada)).status == 200


async def test_a_code_vouches_for_its_key_alone(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Whoever reads the owner's post cannot use it for a key of his own."""
    owner, stranger = (await start(room)).json, (await start(room)).json
    publish(moltbook, owner["message"])

    assert status_and_code(await complete(room, stranger["apiKey"])) == (404, "recovery_post_not_found")
    assert (await complete(room, owner["apiKey"], address="192.0.2.2")).status == 200


async def test_a_code_vouches_for_its_agent_alone(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """The post for one agent opens no other one, whatever its badge."""
    await verified(room, moltbook, "Bob", "BobOnMoltbook", "18")
    task = (await start(room)).json
    moltbook.claimed("BobOnMoltbook", MoltbookPost("p-3", task["message"]), account_id="18")

    assert status_and_code(await complete(room, task["apiKey"], "Bob")) == (404, "recovery_post_not_found")


async def test_another_account_with_the_name_of_the_badge(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Whoever took over the name on Moltbook does not get the agent: the account's id is another one."""
    task = (await start(room)).json
    refused = []
    for account_id, address in (("18", "192.0.2.1"), (None, "192.0.2.2")):
        publish(moltbook, task["message"], account_id)
        refused.append(await complete(room, task["apiKey"], address=address))

    assert list(map(status_and_code, refused)) == [(403, "recovery_by_other_account")] * 2
    assert "ask the operator of this room" in refused[0].json["error"]


async def test_a_badge_without_an_account_id(room: Room, moltbook: FakeMoltbook) -> None:
    """Only the operator can help, which the start says already, and Moltbook is not asked."""
    await verified(room, moltbook, "Old", CLAWD, None)
    asked = len(moltbook.requests)
    started, completed = await start(room, "Old"), await complete(room, key_from_random("1" * 30), "Old")

    assert status_and_code(started) == status_and_code(completed) == (403, "recovery_impossible")
    assert "Ask the operator of this room for a new key." in started.json["error"]
    assert len(moltbook.requests) == asked


async def test_an_agent_without_a_badge(room: Room) -> None:
    """Nobody can vouch for it."""
    await room.register("Plain")

    assert status_and_code(await start(room, "Plain")) == (403, "recovery_impossible")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("Nobody", 404, "agent_not_found"),
        ("", 404, "agent_not_found"),
        ("../x\x00", 404, "agent_not_found"),
        (None, 400, "invalid_name"),
        (7, 400, "invalid_name"),
        (["Ada"], 400, "invalid_name"),
    ],
    ids=repr,
)
async def test_an_unknown_agent(name: object, status: int, code: str, room: Room, ada: Agent) -> None:
    """An agent that nobody has registered has no key to be recovered."""
    headers = {"Authorization": f"Bearer {key_from_random('1' * 30)}"}
    completed = await room.post("/api/recover/complete", {"name": name}, headers=headers)

    assert status_and_code(await start(room, name)) == status_and_code(completed) == (status, code)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("", "The header for the API key holds no key"), ("nonsense", "What was sent is not an API key:")],
)
async def test_complete_needs_a_new_key(key: str, sentence: str, room: Room, ada: Agent) -> None:
    """The error of a completion says whether its key is missing or mistyped."""
    answer = await complete(room, key)

    assert status_and_code(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["error"].startswith(sentence)


async def test_a_completion_never_says_that_open_keys_are_void(room: Room, ada: Agent) -> None:
    """To complete with the key in use, in order to shut out somebody who has another one, is an error."""
    other = evolve(ada, key=(await room.post("/api/keys/rotate", {"grace": 60}, agent=ada)).json["apiKey"])
    pending = await complete(room, ada.key)
    await room.get("/api/me", agent=other)
    expiring = await complete(room, other.key)
    room.clock.advance(MINUTE)
    alone = await complete(room, other.key)

    assert [status_and_code(each) for each in (pending, expiring)] == [(409, "key_used")] * 2
    assert alone.status == 200


async def test_a_key_that_was_used_is_not_issued_again(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Neither a void key nor one of another agent can be brought back by a post on Moltbook."""
    bob = await room.register("Bob")
    await recovered(room, moltbook, ada)
    refused = [await complete(room, each.key) for each in (ada, bob)]

    assert list(map(status_and_code, refused)) == [(409, "key_used")] * 2


async def test_a_suspended_agent_recovers(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Its owner may want to read why; it stays suspended."""
    suspend = Suspend(AgentId(ada.id), None, "It posts advertisements.", "grace", room.clock.now())
    await room.running.node.commands.handle(suspend)
    new = await recovered(room, moltbook, ada)
    post = await room.post("/api/messages", {"content": "Hello!"}, agent=new)

    assert status_and_code(post) == (403, "suspended")


async def test_a_recovery_is_no_activity(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """An agent does not come online before its new key is used."""
    await room.post("/api/disconnect", agent=ada)
    await recovered(room, moltbook, ada)

    assert (await room.get("/api/agents")).json["agents"] == []


async def test_an_unknown_account(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Moltbook may deny accounts that exist, so the error says to try again later."""
    task = (await start(room)).json
    moltbook.set_reply_json(CLAWD, {"success": False, "error": "Bot not found"})
    broken = await complete(room, task["apiKey"])
    moltbook.set_reply(CLAWD, unknown_account)
    unknown = await complete(room, task["apiKey"], address="192.0.2.2")

    assert status_and_code(broken) == (502, "moltbook_unavailable")
    assert status_and_code(unknown) == (404, "moltbook_not_found")
    assert "try again later" in unknown.json["error"]


async def test_a_recovery_that_cannot_be_stored(room: Room, moltbook: FakeMoltbook, ada: Agent, log: FaultyLog) -> None:
    """While the store is away the keys stay as they are; the same request succeeds later."""
    task = (await start(room)).json
    publish(moltbook, task["message"])
    log.fail("append", LogUnavailable("the store is away"))
    away = await complete(room, task["apiKey"])
    log.heal()
    old = await room.get("/api/me", agent=ada)

    assert (status_and_code(away), old.status) == ((503, "storage_unavailable"), 200)
    assert (await complete(room, task["apiKey"], address="192.0.2.2")).status == 200


async def test_a_room_without_a_public_url(open_room: OpenRoom, moltbook: FakeMoltbook) -> None:
    """Such a room has no host that others know, so the post need not name one."""
    room = await open_room(moltbook_url=moltbook.url)
    ada = await verified(room, moltbook, "Ada", CLAWD, "17")
    task = (await start(room)).json
    publish(moltbook, f"Recover Ada [{task['code']}]")

    assert (await complete(room, task["apiKey"])).status == 200
    assert (await room.get("/api/me", agent=ada)).status == 401


async def test_an_address_has_a_rate_limit(room: Room, ada: Agent) -> None:
    """One address asks Moltbook once in ten seconds and ten times an hour, for whatever agents."""
    key, answers = (await start(room)).json["apiKey"], []
    for pause in (0, 9_999, 1, *[10 * SECOND] * 9):
        room.clock.advance(pause)
        answers.append(await complete(room, key))

    assert [answer.status for answer in answers] == [404, 429, *[404] * 9, 429]
    assert status_and_code(answers[1]) == (429, "recovery_rate_limited")
    assert (answers[1].json["retryAfter"], answers[-1].json["retryAfter"]) == (1, 3500)
    assert answers[1].headers["Retry-After"] == "1"
    assert answers[1].json["error"].startswith("The rate limit is 1 per 10 seconds for completing a recovery.")


async def test_strangers_do_not_lock_the_owner_out(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """However many completions strangers send for an agent, its owner's address has one of its own each hour."""
    stranger, owner = (await start(room)).json["apiKey"], (await start(room)).json
    for number in range(11):
        await complete(room, stranger, address="192.0.2.1" if number % 2 else "192.0.2.2")
        room.clock.advance(10 * SECOND)
    publish(moltbook, "not yet")
    early = await complete(room, owner["apiKey"], address="192.0.2.3")
    publish(moltbook, owner["message"])
    room.clock.advance(HOUR)

    assert status_and_code(early) == (404, "recovery_post_not_found")
    assert (await complete(room, owner["apiKey"], address="192.0.2.3")).status == 200


async def test_an_agent_has_a_rate_limit(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Beside the first of each address, all addresses together complete the recovery of an agent ten times an hour."""
    key, answers = (await start(room)).json["apiKey"], []
    for number in range(14):
        answers.append(await complete(room, key, address=f"192.0.2.{number % 3}"))
        room.clock.advance(10 * SECOND)

    assert [answer.status for answer in answers] == [404] * 13 + [429]
    assert answers[-1].json["error"].startswith("The rate limit is 10 per hour for completing a recovery.")
    assert (await complete(room, key, address="192.0.2.9")).status == 404


async def test_concurrent_completions_of_two_keys(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Of two keys for which the account has vouched, one is valid in the end."""
    tasks = [(await start(room)).json for _ in range(2)]
    posts = [MoltbookPost(f"p-{number}", task["message"]) for number, task in enumerate(tasks)]
    moltbook.claimed(CLAWD, *posts, account_id="17")
    answers = await asyncio.gather(
        *(complete(room, task["apiKey"], address=f"192.0.2.{number}") for number, task in enumerate(tasks))
    )
    used = [await room.get("/api/me", agent=evolve(ada, key=task["apiKey"])) for task in tasks]

    assert [answer.status for answer in answers] == [200, 200]
    assert sorted(answer.status for answer in used) == [200, 401]


async def test_no_recovered_key_is_stored(room: Room, moltbook: FakeMoltbook, ada: Agent, log: FaultyLog) -> None:
    """The log has the digest of the new key, and neither the key nor its code."""
    task = (await start(room)).json
    publish(moltbook, task["message"])
    await complete(room, task["apiKey"])
    content = "".join(record.data for record in await log.log.read(0, 1000))

    assert hash_key(task["apiKey"]) in content
    assert task["apiKey"].removeprefix("chatr_")[:30] not in content
    assert task["code"] not in content
