"""POST /api/verify/start and /complete, where the answer is no: each refusal, and that it changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from chatr.adapters.moltbook import moltbook
from chatr.domain.limits import CODE_VALID, HOUR, SECOND
from tests.conftest import Agent, Answer, OpenRoom, Room
from tests.moltbook import FakeMoltbook, Written

CLAWD = "ClawdClawderberg"


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as book:
        yield book


@pytest.fixture
async def room(open_room: OpenRoom, book: FakeMoltbook) -> Room:
    return await open_room(moltbook_url=book.url)


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register("Ada")


async def start(room: Room, agent: Agent, name: object = CLAWD) -> Answer:
    return await room.post("/api/verify/start", {"moltbookName": name}, agent=agent)


async def complete(room: Room, agent: Agent, name: object = CLAWD) -> Answer:
    return await room.post("/api/verify/complete", {"moltbookName": name}, agent=agent)


@pytest.fixture
async def proof(room: Room, ada: Agent) -> Written:
    """The post that Ada was asked for."""
    return Written("p-1", (await start(room, ada)).json["message"])


def told(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


NOT_A_NAME = [
    "",
    "a",
    "a" * 65,
    "a b",
    "../posts",
    "Clawd?x=1",
    "Cläwd",
    "a\x00b",
    None,
    7,
    ["Clawd"],
    {"name": "Clawd"},
]


@pytest.mark.parametrize("call", [start, complete])
@pytest.mark.parametrize("name", NOT_A_NAME, ids=repr)
async def test_what_is_no_moltbook_name(
    call: Callable[..., Awaitable[Answer]], name: object, room: Room, book: FakeMoltbook, ada: Agent
) -> None:
    """Only what could be a name is asked for; the refusal tells the allowed shape."""
    answer = await call(room, ada, name)

    assert told(answer) == (400, "invalid_moltbook_name")
    assert "2-64" in answer.json["error"]
    assert book.requests == []


async def test_what_was_not_started_is_not_completed(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """Without a code there is nothing to look for; the refusal says which call comes first."""
    answer = await complete(room, ada)

    assert told(answer) == (400, "verification_not_started")
    assert "POST /api/verify/start" in answer.json["error"]
    assert book.requests == []


async def test_an_expired_code_proves_nothing(room: Room, book: FakeMoltbook, proof: Written, ada: Agent) -> None:
    """After 48 hours the code is no proof any more, though it is posted."""
    book.claimed(CLAWD, proof)
    room.clock.advance(CODE_VALID)
    answer = await complete(room, ada)

    assert told(answer) == (400, "verification_expired")
    assert "POST /api/verify/start again" in answer.json["error"]
    assert book.requests == []


async def test_another_name_than_at_start(room: Room, book: FakeMoltbook, proof: Written, ada: Agent) -> None:
    """A code is bound to the account it was asked for; the refusal says which one that was."""
    answer = await complete(room, ada, "SomebodyElse")

    assert told(answer) == (400, "verification_name_mismatch")
    assert CLAWD in answer.json["error"]
    assert book.requests == []


async def test_an_account_that_moltbook_does_not_know(room: Room, proof: Written, ada: Agent) -> None:
    """Moltbook says so of accounts that exist, too: the refusal says to try again later."""
    answer = await complete(room, ada)

    assert told(answer) == (404, "moltbook_not_found")
    assert "try again later" in answer.json["error"]


async def test_an_account_that_nobody_claimed(room: Room, book: FakeMoltbook, proof: Written, ada: Agent) -> None:
    """An account without a verified owner vouches for nobody."""
    book.unclaimed(CLAWD, proof)
    answer = await complete(room, ada)

    assert told(answer) == (403, "moltbook_not_claimed")
    assert "Claim it on Moltbook" in answer.json["error"]


async def test_an_account_that_did_not_post_the_code(
    room: Room, book: FakeMoltbook, proof: Written, ada: Agent
) -> None:
    """The refusal tells the code again, and how to post it."""
    book.claimed(CLAWD, Written("p-1", "Good morning"))
    answer = await complete(room, ada)
    code = answer.json["verificationCode"]

    assert told(answer) == (404, "verification_post_not_found")
    assert f"[{code}]" in str(proof.content)
    assert f"[{code}]" in answer.json["hint"]
    assert answer.json["hint"] in answer.json["error"]


@pytest.mark.parametrize("name", [CLAWD, CLAWD.upper()])
async def test_an_account_vouches_for_one_agent(
    name: str, room: Room, book: FakeMoltbook, proof: Written, ada: Agent
) -> None:
    """Whoever comes second is refused, in whatever case, and the first keeps its badge."""
    book.claimed(CLAWD, proof)
    await complete(room, ada)
    bob = await room.register("Bob")
    book.claimed(CLAWD, Written("p-2", (await start(room, bob, name)).json["message"]))
    answer = await complete(room, bob, name)

    assert told(answer) == (409, "moltbook_name_taken")
    assert "an account of your own" in answer.json["error"]
    assert [agent["moltbookName"] for agent in (await room.get("/api/agents")).json["agents"]] == [CLAWD, None]


FAILURES: dict[str, Callable[[FakeMoltbook], None]] = {
    "status 500": lambda book: book.failing(CLAWD, 500),
    "a redirect": lambda book: book.redirecting(CLAWD, "http://127.0.0.1:1/"),
    "broken JSON": lambda book: book.broken(CLAWD),
    "hanging up": lambda book: book.breaking_off(CLAWD),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_moltbook_that_fails(failure: str, room: Room, book: FakeMoltbook, proof: Written, ada: Agent) -> None:
    """Whatever is wrong with Moltbook, the agent hears that nothing changed and when to try again."""
    FAILURES[failure](book)
    answer = await complete(room, ada)

    assert told(answer) == (502, "moltbook_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_moltbook_that_is_slow(
    open_room: OpenRoom, book: FakeMoltbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited too long hears so, as 504."""
    monkeypatch.setattr("chatr.app.moltbook", partial(moltbook, patience=0.05))
    room = await open_room(moltbook_url=book.url)
    ada = await room.register()
    await start(room, ada)
    book.slow(CLAWD)
    answer = await complete(room, ada)

    assert told(answer) == (504, "moltbook_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_refusal_is_not_the_end(room: Room, book: FakeMoltbook, proof: Written, ada: Agent) -> None:
    """After any refusal the same code still gives the badge."""
    for trouble in (book.unclaimed, book.broken, book.claimed):
        trouble(CLAWD)
        assert (await complete(room, ada)).status >= 400
        room.clock.advance(10 * SECOND)
    book.claimed(CLAWD, proof)

    assert (await complete(room, ada)).status == 200


async def test_moltbook_is_asked_every_ten_seconds_at_most(room: Room, proof: Written, ada: Agent) -> None:
    """A second look-up is refused for ten seconds to the millisecond, and asking meanwhile makes them no longer."""
    waits = []
    for pause in (0, 1, 999, 5_000, 3_999):
        room.clock.advance(pause)
        waits.append((await complete(room, ada)).json.get("retryAfter"))
    room.clock.advance(1)

    assert waits == [None, 10, 9, 4, 1]
    assert told(await complete(room, ada)) == (404, "moltbook_not_found")


async def test_moltbook_is_asked_ten_times_an_hour_at_most(room: Room, proof: Written, ada: Agent) -> None:
    """The eleventh look-up waits until the first is an hour old."""
    for _ in range(10):
        assert told(await complete(room, ada)) == (404, "moltbook_not_found")
        room.clock.advance(10 * SECOND)
    refused = await complete(room, ada)
    room.clock.advance(HOUR - 100 * SECOND)

    assert (told(refused), refused.json["retryAfter"]) == ((429, "verification_rate_limited"), 3500)
    assert told(await complete(room, ada)) == (404, "moltbook_not_found")


async def test_a_refusal_without_asking_moltbook_is_free(room: Room, proof: Written, ada: Agent) -> None:
    """Where the rules know the answer, no look-up is spent."""
    for name in ("SomebodyElse", "!", CLAWD):
        last = await complete(room, ada, name)

    assert told(last) == (404, "moltbook_not_found")


async def test_look_ups_are_counted_by_agent(room: Room, proof: Written, ada: Agent) -> None:
    """One agent's haste is not another's, though both come from one address."""
    bob = await room.register("Bob")
    await start(room, bob)
    await complete(room, ada)

    assert told(await complete(room, bob)) == (404, "moltbook_not_found")


async def test_of_many_completes_at_once_one_asks(room: Room, book: FakeMoltbook, proof: Written, ada: Agent) -> None:
    """However many come together, Moltbook hears of one."""
    book.slow(CLAWD, proof)
    waiting = [asyncio.create_task(complete(room, ada)) for _ in range(5)]
    await book.arrived(1)
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    book.release()

    assert sorted([answer.status for answer in await asyncio.gather(*waiting)]) == [200, 429, 429, 429, 429]
    assert len(book.requests) == 1
