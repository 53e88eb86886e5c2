"""Requests that examine much: they take turns, an address has one at a time, and none takes longer than a limit."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from chatr.adapters.http.endpoints import long_reads
from chatr.adapters.http.endpoints.long_reads import LongReads
from chatr.adapters.http.error_catalogue import HttpError
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.read_errors import SELECTION_TOO_SLOW
from tests.conftest import OpenRoom

ALWAYS = -1.0
"""As the time of a slice: each step is one."""


def reads_by_name(time_limit: float = 60) -> Any:
    """Return `LongReads` whose requests are texts: the address before the hyphen, and a number."""
    return LongReads(cast(Any, lambda request: request.partition("-")[0]), time_limit)


async def steps_of(names: Sequence[str], count: int) -> list[str]:
    """Return the order in which requests with these names, begun in this order, make so many steps each."""
    reads, steps = reads_by_name(), list[str]()

    async def examine(name: str) -> None:
        async with reads.limited(name, SELECTION_TOO_SLOW) as pause:
            for _ in range(count):
                await pause()
                steps.append(name)

    await asyncio.gather(*map(examine, names))
    return steps


async def test_addresses_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address with many requests has every second turn beside another one, and its requests come one by one."""
    monkeypatch.setattr(long_reads, "SLICE_SECONDS", ALWAYS)

    assert await steps_of(["a-1", "a-2", "a-3", "b-1"], 2) == ["a-1", "b-1", "a-1", "b-1", *["a-2"] * 2, *["a-3"] * 2]


async def test_what_takes_no_longer_than_a_slice_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another request of the same address examines much."""
    reads = reads_by_name()
    async with AsyncExitStack() as stack:
        monkeypatch.setattr(long_reads, "SLICE_SECONDS", ALWAYS)
        await (await stack.enter_async_context(reads.limited("a-1", SELECTION_TOO_SLOW)))()
        monkeypatch.setattr(long_reads, "SLICE_SECONDS", 60)
        async with reads.limited("a-2", SELECTION_TOO_SLOW) as pause:
            await asyncio.wait_for(pause(), 10)


async def test_the_wait_for_the_own_address_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of an address do not queue without end."""
    monkeypatch.setattr(long_reads, "SLICE_SECONDS", ALWAYS)
    reads = reads_by_name(time_limit=0.01)

    async def examine_twice() -> None:
        async with reads.limited("a-1", SELECTION_TOO_SLOW) as first:
            await first()
            async with reads.limited("a-2", SELECTION_TOO_SLOW) as second:
                await second()

    with pytest.raises(HttpError, match="takes too long"):
        await examine_twice()


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/api/messages?from=Ada", "Narrow them with since and until"),
        ("/api/messages?from=Ada&after=1&wait=20", "Narrow them with since and until"),
        ("/api/messages?mentions=Ada&removed=show&since=2026-01-01T00:00:00Z", "Narrow them with since and until"),
        ("/api/agents?q=a", "Send more of the name in q"),
    ],
)
async def test_what_takes_too_long_is_refused(
    path: str, advice: str, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says how to ask for less, and when to try again."""
    monkeypatch.setattr(long_reads, "SLICE_SECONDS", ALWAYS)
    room = await open_room(timeouts=HttpTimeouts(room_at=0))
    await room.post_message(await room.register("Ada"), "@Ada")
    answer = await room.get(path)

    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "overloaded", "5")
    assert advice in answer.json["error"]
