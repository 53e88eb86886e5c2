"""A log in a file answers whatever a log in memory answers."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from chatr.adapters.memory import MemoryLog
from chatr.adapters.sqlite import sqlite_log
from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, EventLog, LogChanged, Stored
from chatr.testing.contract.steps import everything, followed

IDS: Final = ("aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-1")

drafts = st.builds(
    Draft,
    id=st.sampled_from(IDS),
    stream=st.sampled_from(["agent/ada", "agent/bob"]),
    type=st.just("noted.v1"),
    at=st.integers(0, 1),
    seen=st.just(0),
    data=st.just("{}"),
)
cursors = st.builds(Cursor, st.integers(0, 12), st.sampled_from([each[:8] for each in IDS]))


@frozen
class Asked:
    """A draft, and what it expects: a position, or None for the last one of its stream."""

    draft: Draft
    expected: int | None


asked = st.builds(Asked, drafts, st.none() | st.none() | st.integers(0, 12))


async def answer(appending: Awaitable[Stored]) -> Stored | str:
    try:
        return await appending
    except Conflict as conflict:
        return str(conflict)


async def resolved(model: EventLog, each: Asked) -> int:
    if each.expected is None:
        places = [stored.position for stored in await everything(model) if stored.draft.stream == each.draft.stream]
        return max(places, default=0)
    # What is only a little ahead may land while the group does: then either answer is right.
    return each.expected if each.expected <= await model.head() else each.expected + 1_000


async def reached(log: EventLog, cursor: Cursor) -> list[Stored] | None:
    """What follows `cursor`, or None where the log does not hold it."""
    missing = await log.head() - cursor.position
    if missing == 0:
        return []
    try:
        return await followed(log, max(missing, 1), cursor)
    except LogChanged:
        return None


async def same_answers(log: EventLog, model: EventLog, group: list[Asked]) -> None:
    """Send a group to `log` at once and to `model` one by one."""
    expected = []
    for each in group:
        expectation = await resolved(model, each)
        expected.append((each.draft, expectation, await answer(model.append(each.draft, expected=expectation))))
    answers = await asyncio.gather(*(answer(log.append(draft, expected=place)) for draft, place, _ in expected))

    assert [each for _, _, each in expected] == answers


@settings(max_examples=100, deadline=None)
@given(groups=st.lists(st.lists(asked, min_size=1, max_size=8), max_size=6), cursor=cursors, limit=st.integers(0, 12))
async def test_a_log_in_a_file_answers_like_one_in_memory(
    groups: list[list[Asked]], cursor: Cursor, limit: int
) -> None:
    """Whatever is appended, alone or together, both logs give the same answers and hold the same records."""
    with TemporaryDirectory() as folder:
        async with sqlite_log(Path(folder) / "chatr.db") as log:
            model = MemoryLog()
            for group in groups:
                await same_answers(log, model, group)

            assert await everything(model) == await everything(log)
            assert await model.read(cursor.position, limit) == await log.read(cursor.position, limit)
            assert await reached(model, cursor) == await reached(log, cursor)
        async with sqlite_log(Path(folder) / "chatr.db") as log:
            assert await everything(model) == await everything(log)
            assert await reached(model, cursor) == await reached(log, cursor)
