"""Whichever call of a store fails while records are erased: each has its text or none, and a repetition works."""

import pytest
from attrs import evolve

from chatr.ports import EventLog, LogUnavailable
from chatr.testing.contract.steps import append_many, new_draft, read_all, read_tail
from tests.store_calls.stores import AFTER, BEFORE, Store
from tests.store_calls.test_store_calls import event_log, store

__all__ = ["event_log", "store"]

ERASING_CALLS = 8
"""The most calls of a store that it takes to erase two records, and to find no copies left."""


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("call", range(1, ERASING_CALLS + 1))
async def test_each_call_of_an_erasing_fails_once(event_log: EventLog, store: Store, call: int, when: str) -> None:
    """The error is LogUnavailable; then the log is read and appended to as before, and a repetition erases the rest."""
    written = [await event_log.append(new_draft(data='"secret"'), expected=0) for _ in range(3)]
    store.calls.arm(call, when)
    try:
        await event_log.erase([1, 3])
    except LogUnavailable:
        store.calls.arm(0, when)
        records = await read_all(event_log)
        assert records in (written, [evolve(each, data="") if each.position != 2 else each for each in written])
    store.calls.arm(0, when)
    await event_log.erase([1, 3])
    written += await append_many(event_log, 1)

    expected = [evolve(each, data="") if each.position in {1, 3} else each for each in written]
    assert expected == await read_all(event_log) == await read_tail(event_log, 4)


async def test_no_erasing_makes_more_than_eight_calls(event_log: EventLog, store: Store) -> None:
    """Every call that erasing makes is one of those that fail in the test above."""
    await append_many(event_log, 3)
    store.calls.arm(0, BEFORE)
    await event_log.erase([1, 3])

    assert store.calls.made <= ERASING_CALLS
