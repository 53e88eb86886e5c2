"""A SQLite log returns the same as a log in memory, whatever is appended."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, EventLog, LogChanged, Stored
from chatr.testing.contract.steps import read_all, read_tail

IDS: Final = ("aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-1")

drafts = st.builds(
    Draft,
    id=st.sampled_from(IDS),
    stream=st.sampled_from(["agent/ada", "agent/bob"]),
    type=st.just("noted.v1"),
    at=st.integers(0, 1),
    decided_at_position=st.just(0),
    data=st.just("{}"),
)
cursors = st.builds(Cursor, st.integers(0, 12), st.sampled_from([each[:8] for each in IDS]))


@frozen
class AppendCall:
    """A draft, and the position that it expects, or None for the last one of its stream."""

    draft: Draft
    expected: int | None


append_calls = st.builds(AppendCall, drafts, st.none() | st.none() | st.integers(0, 12))


async def outcome(appending: Awaitable[Stored]) -> Stored | str:
    """Return the stored record, or the text of the conflict."""
    try:
        return await appending
    except Conflict as conflict:
        return str(conflict)


async def expectation(model: EventLog, call: AppendCall) -> int:
    """Return the position that a call expects."""
    if call.expected is None:
        positions = [stored.position for stored in await read_all(model) if stored.draft.stream == call.draft.stream]
        return max(positions, default=0)
    # A position just beyond the head may be taken by the same group: then either outcome is right.
    return call.expected if call.expected <= await model.head() else call.expected + 1_000


async def records_after(log: EventLog, cursor: Cursor) -> list[Stored] | None:
    """Return the records after `cursor`, or None if the log does not hold it."""
    missing = await log.head() - cursor.position
    if missing == 0:
        return []
    try:
        return await read_tail(log, max(missing, 1), cursor)
    except LogChanged:
        return None


async def assert_same_outcomes(log: EventLog, model: EventLog, group: list[AppendCall]) -> None:
    """Append a group to `log` concurrently and to `model` one by one, and compare the outcomes."""
    modelled = []
    for call in group:
        expected = await expectation(model, call)
        modelled.append((call.draft, expected, await outcome(model.append(call.draft, expected=expected))))
    outcomes = await asyncio.gather(*(outcome(log.append(draft, expected=place)) for draft, place, _ in modelled))

    assert [each for _, _, each in modelled] == outcomes


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.lists(append_calls, min_size=1, max_size=8), max_size=6),
    cursor=cursors,
    limit=st.integers(0, 12),
)
async def test_a_sqlite_log_returns_the_same_as_one_in_memory(
    groups: list[list[AppendCall]], cursor: Cursor, limit: int
) -> None:
    """Whatever is appended, one by one or concurrently, both logs return the same and hold the same records."""
    with TemporaryDirectory() as folder:
        async with sqlite_log(Path(folder) / "chatr.db") as log:
            model = MemoryLog()
            for group in groups:
                await assert_same_outcomes(log, model, group)

            assert await read_all(model) == await read_all(log)
            assert await model.read(cursor.position, limit) == await log.read(cursor.position, limit)
            assert await records_after(model, cursor) == await records_after(log, cursor)
        async with sqlite_log(Path(folder) / "chatr.db") as log:
            assert await read_all(model) == await read_all(log)
            assert await records_after(model, cursor) == await records_after(log, cursor)
