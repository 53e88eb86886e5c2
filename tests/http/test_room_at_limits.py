"""What requests for earlier moments cost the log, and their responses when it cannot be read."""

import asyncio
from typing import Final

import pytest

from chatr.adapters.http.endpoints.room_at import MAX_CONCURRENT, RESPONSES_CACHED
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.limits import MINUTE, Limit
from chatr.ports import LogUnavailable
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom, Response, Room
from tests.node_agents import numbered_texts, register_agent

READS_OF_A_CACHED_RESPONSE: Final = 1
"""The record at the position is read in any case, because its time is part of the response."""


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


async def get_at(room: Room, position: int) -> Response:
    return await room.get("/api/at", params={"position": position})


async def test_a_log_that_cannot_be_read(log: FaultyLog, open_room: OpenRoom) -> None:
    """Where the log is needed and unavailable, the response is a 503 with Retry-After; later it works again."""
    room = await open_room(event_log=log)
    message = await room.post_message(await room.register(), "first")
    log.fail("read", LogUnavailable("the store is away"))
    away = await get_at(room, int(message["id"]))
    log.heal()
    back = await get_at(room, int(message["id"]))

    assert (away.status, away.json["code"], away.headers["Retry-After"]) == (503, "storage_unavailable", "5")
    assert back.status == 200


async def reads_of(room: Room, log: FaultyLog, position: int) -> int:
    """How often the log is read for one request."""
    before = log.calls["read"]
    await get_at(room, position)
    return log.calls["read"] - before


async def test_a_repeated_request_is_answered_from_the_cache(log: FaultyLog, open_room: OpenRoom) -> None:
    """The same moment is read from the log once; later only the record at its position is."""
    room = await open_room(event_log=log)
    ada = await room.register()
    first = await room.post_message(ada, "first")
    await room.post_message(ada, "second")
    bodies, reads = [], []
    for _ in range(3):
        before = log.calls["read"]
        bodies.append((await get_at(room, int(first["id"]))).raw)
        reads.append(log.calls["read"] - before)

    assert len(set(bodies)) == 1
    assert reads[0] > reads[1] == reads[2] == READS_OF_A_CACHED_RESPONSE


async def test_few_responses_are_cached(log: FaultyLog, open_room: OpenRoom) -> None:
    """The cache has a size: the least recently used response is dropped for a new one."""
    room = await open_room(event_log=log)
    await (await register_agent(room.running.node)).post(*numbered_texts(RESPONSES_CACHED + 1))
    oldest, *others = range(1, RESPONSES_CACHED + 1)
    fill = [await reads_of(room, log, position) for position in (oldest, *others)]
    used_again = await reads_of(room, log, oldest)
    one_more = await reads_of(room, log, RESPONSES_CACHED + 1)
    after = [await reads_of(room, log, position) for position in (oldest, others[0])]
    cached = [count == READS_OF_A_CACHED_RESPONSE for count in (*fill, used_again, one_more, *after)]

    assert cached == [False] * RESPONSES_CACHED + [True, False, True, False]


async def test_few_requests_read_the_log_at_one_time(log: FaultyLog, open_room: OpenRoom) -> None:
    """However many ask for the past, few read the log; a request that waits too long gets a 503."""
    room = await open_room(event_log=log, timeouts=HttpTimeouts(room_at=0.2))
    await room.post_message(await room.register(), "first")
    hold = log.hold("read")
    answers = await asyncio.gather(*(get_at(room, position) for position in (1, 2, 3, 1, 2, 3)))
    hold.release()

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(503, "overloaded")}
    assert hold.most_waiting == MAX_CONCURRENT
    assert (await get_at(room, 3)).status == 200


async def test_a_moment_with_too_many_records_around_it(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more records lie around a moment than are read for one response, the response is a 422."""
    monkeypatch.setattr("chatr.adapters.http.endpoints.room_at.MAX_BLOCKS_READ", 0)
    room = await open_room()
    ada = await room.register()
    message = await room.post_message(ada, "first")
    await room.post_message(ada, "second")
    answer = await get_at(room, int(message["id"]))

    assert (answer.status, answer.json["code"]) == (422, "too_much_at_once")


async def test_a_request_for_the_past_counts_like_any_other(open_room: OpenRoom) -> None:
    """The limit of requests of an address includes requests for earlier moments."""
    room = await open_room(rate_requests=Limit(1, MINUTE))
    answers = [await get_at(room, 1), await get_at(room, 1)]

    assert [answer.status for answer in answers] == [200, 429]
