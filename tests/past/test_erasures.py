"""An erased record is intact only if a later record says that it was erased, and names what stays of it."""

from pathlib import Path

import pytest
from attrs import evolve

from chatr.adapters.stores.memory import MemoryLog
from chatr.cli.commands.export import write_records
from chatr.past.replay import ignore_progress
from chatr.past.transfer import LogsDiffer, copy_records, verified_end
from chatr.ports import Draft
from chatr.testing.contract.steps import new_draft, read_all
from chatr.testing.faulty_log import FaultyLog
from tests.erasures import erase, erasing_draft, message_draft

UNEXPLAINED = r"^Record 2 is empty, and no later record says that it was erased\. See chatr audit\.$"


@pytest.fixture
async def log() -> MemoryLog:
    """A log of three messages."""
    log = MemoryLog()
    for number in range(3):
        await log.append(message_draft("agent/ada", f"secret {number}"), expected=number)
    return log


async def test_erased_records_are_intact(log: MemoryLog) -> None:
    """Records that were erased by a record of the log are not mistaken for changed ones."""
    await erase(log, 1, 3)
    await erase(log, 2)

    assert (await verified_end(log, 5)).position == 5


async def test_an_erasing_record_may_be_later_than_what_is_verified(log: MemoryLog) -> None:
    """A record may be erased while a command reads the log up to the end that it had before."""
    await erase(log, 2)

    assert (await verified_end(log, 3)).position == 3


async def test_a_copy_holds_the_record_that_erased(log: MemoryLog, tmp_path: Path) -> None:
    """A copy or an export of a log that ends before the erasing record would be rejected later: its command says now
    that it must be run again, and then both records are there.
    """
    await erase(log, 2)
    file, again = tmp_path / "room.jsonl", r"^Record 2 was erased while the log was read: run the command again\.$"
    with pytest.raises(LogsDiffer, match=again):
        await write_records(log, 3, file, ignore_progress)
    with pytest.raises(LogsDiffer, match=again):
        await copy_records(log, target := MemoryLog(), 0, 3)
    await copy_records(log, target, 3, 4)
    await write_records(log, 4, file, ignore_progress)

    assert await read_all(target) == await read_all(log)


async def test_a_record_that_was_emptied_by_hand(log: MemoryLog) -> None:
    """Whoever empties a record without a record that says so is noticed."""
    await log.erase([2])
    with pytest.raises(LogsDiffer, match=UNEXPLAINED):
        await verified_end(log, 3)


async def test_an_erasing_record_that_came_before(log: MemoryLog) -> None:
    """A record that was appended later than the one that names it was not erased by that."""
    [third] = await log.pick([3])
    await log.append(erasing_draft([evolve(third, position=5, previous=4)]), expected=3)
    await log.append(message_draft("agent/ada", "secret"), expected=4)
    await log.erase([5])
    with pytest.raises(LogsDiffer, match=UNEXPLAINED.replace("2", "5")):
        await verified_end(log, 5)


async def test_what_stays_of_an_erased_record_cannot_be_changed(log: MemoryLog) -> None:
    """A change of an erased record is noticed, though its own hash proves nothing: here of its time."""
    await erase(log, 2)
    changed = FaultyLog(log)
    changed.change("read", lambda records: [evolve(each, at=0) if each.position == 2 else each for each in records])
    with pytest.raises(LogsDiffer, match=UNEXPLAINED):
        await verified_end(changed, 4)


@pytest.mark.parametrize(
    "draft", [new_draft("agent/bob"), erasing_draft([message_draft("agent/bob", "x").at_position(1, 0, b"")])]
)
async def test_only_messages_are_erased(log: MemoryLog, draft: Draft) -> None:
    """Any other record that is empty was emptied by hand, whatever a later record says."""
    stored = await log.append(draft, expected=0)
    await erase(log, stored.position)
    with pytest.raises(LogsDiffer, match=UNEXPLAINED.replace("2", "4")):
        await verified_end(log, 5)


@pytest.mark.parametrize(
    "data", ["{", "[]", '{"records":[{}]}', '{"records":[{"position":2,"rest":""}]}', "[" * 100_000]
)
async def test_an_erasing_record_that_cannot_be_read_explains_nothing(log: MemoryLog, data: str) -> None:
    """Whatever an erasing record holds, the error is one sentence about the record that is empty."""
    await log.append(evolve(erasing_draft(await log.pick([2])), data=data), expected=3)
    await log.erase([2])
    with pytest.raises(LogsDiffer, match=UNEXPLAINED):
        await verified_end(log, 4)
