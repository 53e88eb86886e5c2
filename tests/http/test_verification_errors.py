"""Errors of POST /api/verify/start and /complete: each error, and that it changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from chatr.adapters.moltbook import open_moltbook
from chatr.domain.limits import CODE_VALIDITY, HOUR, SECOND, Limit
from tests.conftest import Agent, OpenRoom, Response, Room
from tests.moltbook import FakeMoltbook, MoltbookPost

CLAWD = "ClawdClawderberg"


@pytest.fixture
async def moltbook() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as moltbook:
        yield moltbook


@pytest.fixture
async def room(open_room: OpenRoom, moltbook: FakeMoltbook) -> Room:
    return await open_room(moltbook_url=moltbook.url)


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register("Ada")


async def start(room: Room, agent: Agent, name: object = CLAWD) -> Response:
    """Start a verification."""
    return await room.post("/api/verify/start", {"moltbookName": name}, agent=agent)


async def complete(room: Room, agent: Agent, name: object = CLAWD) -> Response:
    """Complete a verification."""
    return await room.post("/api/verify/complete", {"moltbookName": name}, agent=agent)


@pytest.fixture
async def proof(room: Room, ada: Agent) -> MoltbookPost:
    """Return the post that Ada has to publish."""
    return MoltbookPost("p-1", (await start(room, ada)).json["message"])


def status_and_code(answer: Response) -> tuple[int, str]:
    """Return what programs look at."""
    return answer.status, answer.json["code"]


NOT_A_NAME = ["", "a", "a" * 65, "a b", "../posts", "Clawd?x=1", "Cläwd", "a\x00b"]
NOT_TEXT: list[object] = [None, 7, ["Clawd"], {"name": "Clawd"}]


@pytest.mark.parametrize("call", [start, complete])
@pytest.mark.parametrize("name", [*NOT_A_NAME, *NOT_TEXT], ids=repr)
async def test_an_invalid_account_name_is_rejected(
    call: Callable[..., Awaitable[Response]], name: object, room: Room, moltbook: FakeMoltbook, ada: Agent
) -> None:
    """An invalid name is rejected without a request to Moltbook; the error has the allowed form."""
    answer = await call(room, ada, name)

    assert status_and_code(answer) == (400, "invalid_moltbook_name")
    assert "2-64" in answer.json["error"]
    assert moltbook.requests == []


async def test_new_codes_have_a_rate_limit(open_room: OpenRoom) -> None:
    """Alternating account names leave as many records as the rate allows, then a 429 that says when to try again."""
    room = await open_room(rate_verifying=Limit(2, HOUR))
    ada = await room.register("Ada")
    answers = [await start(room, ada, name) for name in ("Clawd0", "Clawd1", "Clawd0", "Clawd0")]
    last, position = answers[-1], room.running.node.room.position
    await start(room, ada, "Clawd0")

    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert (last.json["code"], last.json["retryAfter"]) == ("verification_rate_limited", 3600)
    assert last.json["error"].startswith("The rate limit for new verification codes is 2 per hour.")
    assert room.running.node.room.position == position
    assert (await start(room, ada, "Clawd1")).status == 200  # its code is valid, so it is returned again


async def test_a_verification_must_be_started_first(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Completing without a code is an error, which says which call comes first."""
    answer = await complete(room, ada)

    assert status_and_code(answer) == (400, "verification_not_started")
    assert "POST /api/verify/start" in answer.json["error"]
    assert moltbook.requests == []


async def test_an_expired_code_is_rejected(room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent) -> None:
    """After 48 hours the code is rejected, although it was posted."""
    moltbook.claimed(CLAWD, proof)
    room.clock.advance(CODE_VALIDITY)
    answer = await complete(room, ada)

    assert status_and_code(answer) == (400, "verification_expired")
    assert "POST /api/verify/start again" in answer.json["error"]
    assert moltbook.requests == []


async def test_another_account_than_at_start_is_rejected(
    room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent
) -> None:
    """A code is bound to its account; the error says which one that is."""
    answer = await complete(room, ada, "SomebodyElse")

    assert status_and_code(answer) == (400, "verification_name_mismatch")
    assert CLAWD in answer.json["error"]
    assert moltbook.requests == []


async def test_an_unknown_account(room: Room, proof: MoltbookPost, ada: Agent) -> None:
    """Moltbook may deny accounts that exist, so the error says to try again later."""
    answer = await complete(room, ada)

    assert status_and_code(answer) == (404, "moltbook_not_found")
    assert "try again later" in answer.json["error"]


async def test_an_unclaimed_account(room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent) -> None:
    """An account without a verified owner verifies no agent."""
    moltbook.unclaimed(CLAWD, proof)
    answer = await complete(room, ada)

    assert status_and_code(answer) == (403, "moltbook_not_claimed")
    assert "Claim it on Moltbook" in answer.json["error"]


async def test_an_account_that_did_not_post_the_code(
    room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent
) -> None:
    """The error repeats the code, and how to post it."""
    moltbook.claimed(CLAWD, MoltbookPost("p-1", "Good morning"))
    answer = await complete(room, ada)
    code = answer.json["verificationCode"]

    assert status_and_code(answer) == (404, "verification_post_not_found")
    assert f"[{code}]" in str(proof.content)
    assert f"[{code}]" in answer.json["hint"]
    assert answer.json["hint"] in answer.json["error"]


@pytest.mark.parametrize("name", [CLAWD, CLAWD.upper()])
async def test_an_account_vouches_for_one_agent(
    name: str, room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent
) -> None:
    """A second agent is rejected, in whatever case the name is, and the first keeps its badge."""
    moltbook.claimed(CLAWD, proof)
    await complete(room, ada)
    bob = await room.register("Bob")
    moltbook.claimed(CLAWD, MoltbookPost("p-2", (await start(room, bob, name)).json["message"]))
    answer = await complete(room, bob, name)

    assert status_and_code(answer) == (409, "moltbook_name_taken")
    assert "an account of your own" in answer.json["error"]
    assert [agent["moltbookName"] for agent in (await room.get("/api/agents")).json["agents"]] == [CLAWD, None]


FAILURES: dict[str, Callable[[FakeMoltbook], None]] = {
    "status 500": lambda moltbook: moltbook.failing(CLAWD, 500),
    "a redirect": lambda moltbook: moltbook.redirecting(CLAWD, "http://127.0.0.1:1/"),
    "broken JSON": lambda moltbook: moltbook.broken(CLAWD),
    "hanging up": lambda moltbook: moltbook.breaking_off(CLAWD),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failing_moltbook(
    failure: str, room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent
) -> None:
    """Whatever fails at Moltbook, the error says that nothing changed and when to try again."""
    FAILURES[failure](moltbook)
    answer = await complete(room, ada)

    assert status_and_code(answer) == (502, "moltbook_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_slow_moltbook(open_room: OpenRoom, moltbook: FakeMoltbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Moltbook exceeds the time-out, the status is 504."""
    monkeypatch.setattr("chatr.app.open_moltbook", partial(open_moltbook, timeout=0.05))
    room = await open_room(moltbook_url=moltbook.url)
    ada = await room.register()
    await start(room, ada)
    moltbook.slow(CLAWD)
    answer = await complete(room, ada)

    assert status_and_code(answer) == (504, "moltbook_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_code_stays_valid_after_an_error(
    room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent
) -> None:
    """After any error the same code still gives the badge."""
    for failure in (moltbook.unclaimed, moltbook.broken, moltbook.claimed):
        failure(CLAWD)
        assert (await complete(room, ada)).status >= 400
        room.clock.advance(10 * SECOND)
    moltbook.claimed(CLAWD, proof)

    assert (await complete(room, ada)).status == 200


async def test_one_request_to_moltbook_in_ten_seconds(room: Room, proof: MoltbookPost, ada: Agent) -> None:
    """A second request waits for ten seconds to the millisecond; attempts meanwhile do not prolong that."""
    waits = []
    for pause in (0, 1, 999, 5_000, 3_999):
        room.clock.advance(pause)
        waits.append((await complete(room, ada)).json.get("retryAfter"))
    room.clock.advance(1)

    assert waits == [None, 10, 9, 4, 1]
    assert status_and_code(await complete(room, ada)) == (404, "moltbook_not_found")


async def test_ten_requests_to_moltbook_in_an_hour(room: Room, proof: MoltbookPost, ada: Agent) -> None:
    """The eleventh request waits until the first is an hour old."""
    for _ in range(10):
        assert status_and_code(await complete(room, ada)) == (404, "moltbook_not_found")
        room.clock.advance(10 * SECOND)
    rejected = await complete(room, ada)
    room.clock.advance(HOUR - 100 * SECOND)

    assert (status_and_code(rejected), rejected.json["retryAfter"]) == ((429, "verification_rate_limited"), 3500)
    assert status_and_code(await complete(room, ada)) == (404, "moltbook_not_found")


async def test_an_error_before_the_request_does_not_use_the_quota(room: Room, proof: MoltbookPost, ada: Agent) -> None:
    """A completion that the rules reject does not use the quota of requests to Moltbook."""
    for name in ("SomebodyElse", "!", CLAWD):
        last = await complete(room, ada, name)

    assert status_and_code(last) == (404, "moltbook_not_found")


async def test_the_quota_of_requests_is_per_agent(room: Room, proof: MoltbookPost, ada: Agent) -> None:
    """The requests of one agent do not limit another one, even from the same address."""
    bob = await room.register("Bob")
    await start(room, bob)
    await complete(room, ada)

    assert status_and_code(await complete(room, bob)) == (404, "moltbook_not_found")


async def test_concurrent_completions_make_one_request(
    room: Room, moltbook: FakeMoltbook, proof: MoltbookPost, ada: Agent
) -> None:
    """However many completions arrive together, Moltbook gets one request."""
    moltbook.slow(CLAWD, proof)
    waiting = [asyncio.create_task(complete(room, ada)) for _ in range(5)]
    await moltbook.arrived(1)
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    moltbook.release()

    assert sorted([answer.status for answer in await asyncio.gather(*waiting)]) == [200, 429, 429, 429, 429]
    assert len(moltbook.requests) == 1
