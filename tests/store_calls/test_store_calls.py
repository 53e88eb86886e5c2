"""Whichever call of the store fails, before or after it took effect: the state is the one before or the one after, the
response is true, and the next request works.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from chatr.app import running_room
from chatr.domain.limits import MINUTE, SECOND, Limit, Limits
from chatr.node.timeouts import NodeTimeouts
from chatr.ports import CannotOpenLog, EventLog, LogUnavailable, OutcomeUnknown
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.conftest import OpenRoom, Response
from tests.moltbook import FakeMoltbook
from tests.store_calls.stores import AFTER, BEFORE, STORES, Store
from tests.store_calls.visit import STEPS, Step, Visit

REQUEST_CALLS = 3
"""The most calls of a store that one request makes."""
START_CALLS = 19
"""The most calls of a store that a start makes, the opening of the log included."""
GIVEN_RATE = Limit(7, SECOND)
"""A limit that the operator sets at the second start."""


@pytest.fixture
async def moltbook() -> AsyncIterator[FakeMoltbook]:
    """A Moltbook server."""
    async with FakeMoltbook() as moltbook:
        yield moltbook


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """A store of which one call can be made to fail; the room holds two messages in memory, and reads older ones."""
    monkeypatch.setattr("chatr.domain.history.MESSAGES_IN_MEMORY", 2)
    # It would read these, too, at any moment. Nothing here is searched.
    monkeypatch.setattr("chatr.node.search_indexer.SearchIndexer.run", do_nothing)
    new_store: Callable[[Path], Store] = STORES[request.param]
    return new_store(tmp_path)


async def do_nothing(_self: object) -> None:
    """Do nothing, for ever."""
    await asyncio.Event().wait()


@pytest.fixture
async def event_log(store: Store) -> AsyncIterator[EventLog]:
    """The open log of the store."""
    async with store.open() as log:
        yield log


@pytest.fixture
async def visit(event_log: EventLog, open_room: OpenRoom, store: Store, moltbook: FakeMoltbook) -> Visit:
    """A room with an agent that has posted three messages. `event_log` comes first, to be closed after the room."""
    timeouts = NodeTimeouts(retry_pause=0.01)
    room = await open_room(event_log=event_log, log=store.url, moltbook_url=moltbook.url, node_timeouts=timeouts)
    ada = await room.register()
    posted = [(await room.post_message(ada, text))["id"] for text in ("one", "two", "three")]
    return Visit(room, moltbook, ada, posted)


def is_true(response: Response, step: Step, stored: tuple[str, ...]) -> bool:
    """Return whether a response agrees with what the request stored."""
    if response.status != 503:
        return (response.status, stored) == (step.status, step.stores)
    assert int(response.headers["Retry-After"]) >= 1
    return stored == () or (response.json["code"], stored) == ("outcome_unknown", step.stores)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("call", range(1, REQUEST_CALLS + 1))
async def test_each_call_of_each_request_fails_once(visit: Visit, store: Store, call: int, when: str) -> None:
    """The response is true, a repetition gets the usual response, and nothing is stored twice."""
    for step in STEPS:
        visit.room.clock.advance(10 * MINUTE)
        before = len(store.stored_types())
        store.calls.arm(call, when)
        response = await step.request(visit)
        stored = store.stored_types()[before:]

        assert is_true(response, step, stored), (step, response.raw, stored)
        if response.status == 503:
            visit.room.clock.advance(10 * SECOND)
            repeated = await step.request(visit)
            assert repeated.status == (step.repeated_status if stored else step.status), repeated.raw
        assert store.stored_types()[before:] == step.stores


async def test_no_request_makes_more_than_three_calls(visit: Visit, store: Store) -> None:
    """Every call that a request makes is one of those that fail in the test above."""
    made = []
    for step in STEPS:
        visit.room.clock.advance(10 * MINUTE)
        store.calls.arm(0, BEFORE)
        await step.request(visit)
        made.append(store.calls.made)

    assert max(made) <= REQUEST_CALLS


async def start(store: Store, rate: Limit | None = None) -> Limits:
    """Open the log and the room, return the limits in force, and close both."""
    settings = Settings(log=store.url, port=0, rate_unverified=rate)
    async with store.open() as log, running_room(settings, event_log=log, clock=SettableClock()) as room:
        return room.node.room.rule_context.limits


@pytest.mark.parametrize("when", [BEFORE, pytest.param(AFTER, marks=pytest.mark.long)])
@pytest.mark.parametrize("call", range(1, START_CALLS + 1))
async def test_each_call_of_a_start_fails_once(store: Store, call: int, when: str) -> None:
    """A start that fails raises an error, the next one opens the room, and the limits are adopted once."""
    await start(store)
    store.calls.arm(call, when)
    with suppress(CannotOpenLog, LogUnavailable, OutcomeUnknown):
        await start(store, GIVEN_RATE)
    store.calls.arm(0, when)
    limits = await start(store, GIVEN_RATE)

    assert limits.unverified == GIVEN_RATE
    assert store.stored_types() == ("limits-adopted.v1", "limits-adopted.v1")


async def test_no_start_makes_more_than_nineteen_calls(store: Store) -> None:
    """Every call that a start makes is one of those that fail in the test above."""
    await start(store)
    store.calls.arm(0, BEFORE)
    await start(store, GIVEN_RATE)

    assert store.calls.made <= START_CALLS
