"""Whatever call of the store fails, before or after it took effect: the state is the one before or the one after, the
answer is true, and the next request works.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from chatr.app import running
from chatr.domain.limits import MINUTE, SECOND, Limit, Limits
from chatr.ports import Unavailable, Unknown, Unusable
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.conftest import Answer, OpenRoom
from tests.moltbook import FakeMoltbook
from tests.store_calls.stores import AFTER, BEFORE, STORES, Store
from tests.store_calls.visit import STEPS, Step, Visit

CALLS = 3
START_CALLS = 11
"""As many as a request makes of SQLite, and a start."""
GIVEN = Limit(7, SECOND)
"""What an operator adopts at the second start."""


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as book:
        yield book


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    monkeypatch.setattr("chatr.domain.history.MESSAGES_KEPT", 2)
    monkeypatch.setattr("chatr.node.PAUSE", 0.01)
    make: Callable[[pytest.MonkeyPatch, Path], Store] = STORES[request.param]
    return make(monkeypatch, tmp_path)


@pytest.fixture
async def visit(open_room: OpenRoom, store: Store, book: FakeMoltbook) -> Visit:
    room = await open_room(log=store.url, moltbook_url=book.url)
    ada = await room.register()
    said = [(await room.say(ada, text))["id"] for text in ("one", "two", "three")]
    return Visit(room, book, ada, said)


def true(answer: Answer, step: Step, left: tuple[str, ...]) -> bool:
    """Whether an answer tells what became of a request that left these facts."""
    if answer.status != 503:
        return (answer.status, left) == (step.status, step.leaves)
    assert int(answer.headers["Retry-After"]) >= 1
    return left == () or (answer.json["code"], left) == ("outcome_unknown", step.leaves)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("call", range(1, CALLS + 1))
async def test_each_call_of_each_request_fails_once(visit: Visit, store: Store, call: int, when: str) -> None:
    """The answer is true, a repetition is answered as usual, and nothing is stored twice."""
    for step in STEPS:
        visit.room.clock.advance(10 * MINUTE)
        before = len(store.facts())
        store.calls.arm(call, when)
        answer = await step.ask(visit)
        left = store.facts()[before:]

        assert true(answer, step, left), (step, answer.raw, left)
        if answer.status == 503:
            visit.room.clock.advance(10 * SECOND)
            again = await step.ask(visit)
            assert again.status == (step.again if left else step.status), again.raw
        assert store.facts()[before:] == step.leaves


async def test_no_request_makes_more_calls(visit: Visit, store: Store) -> None:
    """No request asks the store so often that one of its calls is never seen to fail."""
    made = []
    for step in STEPS:
        visit.room.clock.advance(10 * MINUTE)
        store.calls.arm(0, BEFORE)
        await step.ask(visit)
        made.append(store.calls.made)

    assert max(made) <= CALLS


async def opened(store: Store, rate: Limit | None = None) -> Limits:
    """The limits in force once the room is open."""
    settings = Settings(log=store.url, port=0, rate_unverified=rate)
    async with running(settings, clock=SettableClock()) as room:
        return room.node.room.house.limits


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("call", range(1, START_CALLS + 1))
async def test_each_call_of_a_start_fails_once(store: Store, call: int, when: str) -> None:
    """A start that fails says why, and the next one opens the room; the limits that are given are adopted once."""
    await opened(store)
    store.calls.arm(call, when)
    with suppress(Unusable, Unavailable, Unknown):
        await opened(store, GIVEN)
    store.calls.arm(0, when)
    limits = await opened(store, GIVEN)

    assert limits.unverified == GIVEN
    assert store.facts() == ("limits-adopted.v1", "limits-adopted.v1")


async def test_no_start_makes_more_calls(store: Store) -> None:
    """No start asks the store so often that one of its calls is never seen to fail."""
    await opened(store)
    store.calls.arm(0, BEFORE)
    await opened(store, GIVEN)

    assert store.calls.made <= START_CALLS
