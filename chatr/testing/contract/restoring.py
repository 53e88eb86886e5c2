"""What callers may rely on that restore the records of another log, as for a copy."""

import asyncio
from collections.abc import Callable
from typing import Final

import pytest
from attrs import evolve

from chatr.ports import Conflict, EventLog, Stored
from chatr.testing.contract.appends import STORED_TEXTS, STREAM_NAMES
from chatr.testing.contract.cancelling import cancel_after
from chatr.testing.contract.steps import (
    append_chain,
    append_many,
    new_draft,
    next_records,
    read_all,
    read_tail,
    run_event_loop,
)

MANY: Final = 1_200
"""Records of more than one group, in which stores restore."""


def records_of_another_log(count: int = 10) -> list[Stored]:
    """Return so many records of two streams, of which the second and every seventh one after it is erased."""
    records: list[Stored] = []
    ends = {"agent/ada": 0, "agent/bob": 0}
    for position in range(1, count + 1):
        draft = new_draft("agent/bob" if position % 3 == 1 else "agent/ada", data=f'"{position}"')
        previous, ends[draft.stream] = ends[draft.stream], position
        stored = draft.at_position(position, previous, draft.record_hash_after(previous))
        records.append(evolve(stored, data="") if position % 7 == 2 else stored)
    return records


async def test_restored_records_are_the_same(log: EventLog) -> None:
    """Every field of a record is restored as it is, its hash and an erased text included."""
    records = records_of_another_log()
    await log.restore(records)

    assert records == await read_all(log) == await read_tail(log, 10) == await log.pick(range(1, 11))


async def test_every_text_and_stream_is_restored_character_by_character(log: EventLog) -> None:
    """Restoring interprets no text, as appending does not."""
    drafts = [new_draft(stream) for stream in STREAM_NAMES] + [new_draft(data=text) for text in STORED_TEXTS.values()]
    records = [draft.at_position(number, 0, draft.record_hash_after(0)) for number, draft in enumerate(drafts, 1)]
    await log.restore(records)

    assert records == await read_all(log)


async def test_many_records_are_restored_at_once(log: EventLog) -> None:
    """Any number of records may be given."""
    records = records_of_another_log(MANY)
    await log.restore(records)

    assert records == await read_all(log)


async def test_restoring_no_records_stores_nothing(log: EventLog) -> None:
    """An empty batch is no error."""
    await log.restore([])

    assert await log.head() == 0


async def test_records_are_restored_in_parts(log: EventLog) -> None:
    """Records may be restored batch by batch, and batches may overlap: what is there already is left out."""
    records = records_of_another_log()
    for begin, end in ((0, 3), (0, 3), (2, 5), (1, 4), (5, 10), (0, 10)):
        await log.restore(records[begin:end])

    assert records == await read_all(log)


CHANGES: Final[dict[str, Callable[[list[Stored]], list[Stored]]]] = {
    "a hole before": lambda records: [evolve(records[4], position=6)],
    "a hole": lambda records: [records[3], records[5]],
    "the wrong order": lambda records: [records[5], records[4]],
    "position 0": lambda records: [evolve(records[4], position=0)],
    "another text of a record that is there": lambda records: [evolve(records[3], data='"changed"')],
    "another hash of a record that is there": lambda records: [evolve(records[3], record_hash=bytes(32))],
    "an erased text of a record that is there": lambda records: [evolve(records[3], data="")],
    "a new stream that has records": lambda records: [evolve(records[4], previous=0)],
    "a record before it that has one after it": lambda records: [evolve(records[4], previous=2)],
    "a record before it of another stream": lambda records: [evolve(records[4], previous=4)],
    "a record before it that is not there": lambda records: [evolve(records[4], previous=9)],
    "itself before it": lambda records: [evolve(records[4], previous=5)],
}


async def test_records_that_do_not_follow_are_rejected(log: EventLog) -> None:
    """A record that differs from the one that is there, or that could not have been appended, is a conflict."""
    records = records_of_another_log()
    await log.restore(records[:4])
    for name, change in CHANGES.items():
        with pytest.raises(Conflict):
            await log.restore(change(records))
        assert records[:4] == await read_all(log), name
    await log.restore(records)

    assert records == await read_all(log)


async def test_a_conflict_names_the_first_record_that_does_not_fit(log: EventLog) -> None:
    """The position tells an operator where two logs begin to differ."""
    records = records_of_another_log()
    await log.restore(records[:6])
    with pytest.raises(Conflict) as conflict:
        await log.restore([*records[:2], evolve(records[2], data='"changed"'), *records[3:]])

    assert conflict.value.position == 3


async def test_records_are_appended_after_restored_ones(log: EventLog) -> None:
    """The log goes on where the restored records end, in all of their streams."""
    records = records_of_another_log()
    await log.restore(records)
    last = {stored.stream: stored.position for stored in records}
    added = [
        *await append_chain(log, "agent/ada", 2, expected=last["agent/ada"]),
        *await append_chain(log, "agent/bob", 1, expected=last["agent/bob"]),
    ]

    assert [each.position for each in added] == [11, 12, 13]
    assert records + added == await read_all(log)


async def test_a_restored_record_is_a_repetition_of_its_append(log: EventLog) -> None:
    """An append that is repeated after its record was restored returns that record."""
    draft = new_draft("agent/ada")
    stored = draft.at_position(1, 0, draft.record_hash_after(0))
    await log.restore([stored])

    assert await log.append(draft, expected=0) == stored


async def test_a_waiting_tail_yields_restored_records(log: EventLog) -> None:
    """A tail yields what is restored as it does what is appended, once."""
    tail = log.tail(None)
    records = records_of_another_log()
    waiting = asyncio.ensure_future(next_records(tail, 10))
    await run_event_loop(9)
    await log.restore(records[:5])
    await log.restore(records)

    assert records == await waiting


async def test_records_are_restored_while_others_are_appended(log: EventLog) -> None:
    """Of a restoring and an append at the same time one is first; nothing is stored twice or at two positions."""
    records = records_of_another_log()
    results = await asyncio.gather(log.restore(records), append_many(log, 1), return_exceptions=True)
    held = await read_all(log)

    assert isinstance(results[0], Conflict) or held[:10] == records
    assert [each.position for each in held] == list(range(1, len(held) + 1))


async def test_a_cancelled_restoring_can_be_repeated(log: EventLog) -> None:
    """Wherever it is cancelled, the log holds the first of the records, and a repetition adds the others."""
    records = records_of_another_log(MANY)
    for number, iterations in enumerate((0, 1, 2, 3, 5, 8, 13, 21), 1):
        await cancel_after(asyncio.create_task(log.restore(records[: 50 * number])), iterations)
        # Done after what the cancelled call had begun.
        await log.restore(records[:1])
        held = await read_all(log)

        assert held == records[: len(held)]
    await log.restore(records)
    assert records == await read_all(log) == await read_tail(log, MANY)
