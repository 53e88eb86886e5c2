"""A log is copied to another store: nothing is lost, duplicated or changed, whatever fails meanwhile."""

import asyncio

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.chain import CHAIN_START
from chatr.domain.events import Record
from chatr.past.transfer import LogsDiffer, compare, copy_records, verified_end
from chatr.ports import EventLog, LogUnavailable, Stored
from chatr.testing.contract.steps import append_chain, append_many, new_draft, read_all
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.records import folded_room, log_with
from chatr.testing.strategies import histories
from tests.erasures import erase, message_draft


async def copied(source: EventLog, target: EventLog) -> list[Stored]:
    """The records of the target once the rest of the source was copied to it."""
    await copy_records(source, target, await target.head(), await source.head())
    return await read_all(target)


@given(histories(), st.data())
def test_a_log_is_copied_completely(records: list[Record], data: st.DataObject) -> None:
    """Whatever happened in a room, and wherever an earlier copy stopped, the target holds the same records."""
    count = data.draw(st.integers(0, len(records)))

    async def check() -> None:
        source, target = await log_with(MemoryLog(), records), await log_with(MemoryLog(), records[:count])

        assert await copied(source, target) == await read_all(source)

    asyncio.run(check())


@given(histories())
def test_the_chain_hash_of_a_log_is_that_of_its_room(records: list[Record]) -> None:
    """Verifying a log, comparing it with itself and folding it give the same chain point."""

    async def check() -> None:
        log = await log_with(MemoryLog(), records)
        point = await verified_end(log, len(records))

        assert (point.chain_hash, point) == (
            folded_room(records).chain_hash,
            await compare(log, log, CHAIN_START, len(records)),
        )

    asyncio.run(check())


@pytest.mark.parametrize("stored", [True, False])
async def test_a_copy_continues_after_the_target_failed(stored: bool) -> None:
    """Whether or not the records were stored, the error says that the copy can be repeated, and then it completes."""
    source, target = MemoryLog(), FaultyLog(MemoryLog())
    await append_many(source, 2_500)
    target.fail("restore", LogUnavailable("no room"), after_effect=stored, skip=1)
    with pytest.raises(LogUnavailable, match="continue where it stopped"):
        await copied(source, target)
    target.heal()

    assert await copied(source, target) == await read_all(source)


async def test_a_target_that_another_process_writes_to() -> None:
    """A record that gets another position than in the source stops the copy."""
    source, target = MemoryLog(), MemoryLog()
    await append_many(source, 2)
    await target.append(new_draft(), expected=0)
    with pytest.raises(LogsDiffer, match="Record 1 is stored differently"):
        await copy_records(source, target, 0, 2)


async def test_a_target_whose_stream_continues_differently() -> None:
    """A record whose place in its stream is taken by another one stops the copy."""
    source, target = MemoryLog(), MemoryLog()
    await append_chain(source, "agent/ada", 2)
    await append_chain(target, "agent/ada", 1)
    with pytest.raises(LogsDiffer, match="Record 1 is stored differently"):
        await copy_records(source, target, 0, 2)


def altered_log() -> FaultyLog:
    """A log in which the text of the record at position 2 is altered."""
    log = FaultyLog(MemoryLog())
    log.change("read", lambda records: [evolve(each, data="[]") if each.position == 2 else each for each in records])
    return log


async def test_an_altered_record_is_not_copied() -> None:
    """The error names the position of the record whose hash does not fit."""
    source = altered_log()
    await append_many(source, 3)
    with pytest.raises(LogsDiffer, match="Record 2 does not match its record hash"):
        await copied(source, MemoryLog())


async def test_two_logs_that_differ() -> None:
    """The error names the position of the first record that is not the same in both."""
    ours, theirs = MemoryLog(), altered_log()
    logs: tuple[EventLog, ...] = (ours, theirs)
    for log in logs:
        for number in range(3):
            await log.append(new_draft(record_id=str(number)), expected=0)
    with pytest.raises(LogsDiffer, match="Record 2 is not the same in both"):
        await compare(ours, theirs, CHAIN_START, 3)


async def log_and_copy(count: int = 5) -> tuple[MemoryLog, MemoryLog]:
    """Return a log of so many records and its copy."""
    source, target = MemoryLog(), MemoryLog()
    for number in range(count):
        await source.append(message_draft("agent/ada", f"secret {number}"), expected=number)
    await copied(source, target)
    return source, target


async def test_erased_records_are_copied() -> None:
    """A copy has the erased records of its source, as they are, and the same chain."""
    source, _ = await log_and_copy()
    await erase(source, 1, 3, 5)
    target = MemoryLog()

    assert await copied(source, target) == await read_all(source)
    assert await verified_end(source, 6) == await compare(source, target, CHAIN_START, 6)


async def test_a_record_that_was_erased_after_it_was_copied() -> None:
    """A comparison names the record that only the copy still holds, or collects all of them."""
    source, target = await log_and_copy()
    await erase(source, 2, 4)
    erased: list[int] = []
    with pytest.raises(LogsDiffer, match=r"^Record 2 was erased after it was copied: copy the log again\.$"):
        await compare(source, target, CHAIN_START, 5)
    point = await compare(source, target, CHAIN_START, 5, erased=erased)

    assert erased == [2, 4]
    assert point == await verified_end(target, 5)


async def test_a_record_that_only_the_copy_has_erased() -> None:
    """A copy that lacks a text of its source is not the same."""
    source, target = await log_and_copy()
    await target.erase([2])
    with pytest.raises(LogsDiffer, match="Record 2 is not the same in both"):
        await compare(source, target, CHAIN_START, 5, erased=[])


async def test_a_record_that_was_changed_and_emptied_is_a_difference() -> None:
    """An empty text hides no other change."""
    source, target = await log_and_copy()
    source_changed = FaultyLog(source)
    source_changed.change("read", lambda records: [evolve(each, data="", at=each.at + 1) for each in records])
    with pytest.raises(LogsDiffer, match="Record 1 is not the same in both"):
        await compare(source_changed, target, CHAIN_START, 5, erased=[])
