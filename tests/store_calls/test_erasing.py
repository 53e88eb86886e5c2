"""Whichever call of a store fails while records are erased: each has its text or none, and a repetition works."""

from contextlib import suppress

import pytest
from attrs import evolve

from chatr.ports import EventLog, LogUnavailable, Stored
from chatr.testing.contract.steps import append_many, new_draft, read_all, read_tail
from tests.store_calls.stores import AFTER, BEFORE, Store
from tests.store_calls.test_store_calls import event_log, store

__all__ = ["event_log", "store"]

ERASING_CALLS = 8
"""The most calls of a store that it takes to erase two records, and to find no copies left."""


@pytest.mark.parametrize("when", [BEFORE, AFTER])
async def test_each_call_of_an_erasing_fails_once(event_log: EventLog, store: Store, when: str) -> None:
    """The error is LogUnavailable; then the log is read and appended to as before, and a repetition erases the rest."""
    expected: list[Stored] = []
    for call in range(1, ERASING_CALLS + 1):
        written = [await event_log.append(new_draft(data='"secret"'), expected=0) for _ in range(2)]
        erased = [evolve(written[0], data=""), written[1]]
        store.calls.arm(call, when)
        with suppress(LogUnavailable):
            await event_log.erase([written[0].position])
        store.calls.arm(0, when)
        assert (await read_all(event_log))[len(expected) :] in (written, erased)
        await event_log.erase([written[0].position])
        expected += erased

        assert expected == await read_all(event_log) == await read_tail(event_log, len(expected))


async def test_no_erasing_makes_more_than_eight_calls(event_log: EventLog, store: Store) -> None:
    """Every call that erasing makes is one of those that fail in the test above."""
    await append_many(event_log, 3)
    store.calls.arm(0, BEFORE)
    await event_log.erase([1, 3])

    assert store.calls.made <= ERASING_CALLS
