"""Moving a log from store to store: nothing is lost, doubled or changed, whatever fails on the way."""

import asyncio

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.memory import MemoryLog
from chatr.domain.events import Record
from chatr.ports import Draft, EventLog, Stored, Unavailable, Unknown
from chatr.testing.contract.steps import chain, draft, everything, fill
from chatr.testing.records import folded, holding
from chatr.testing.strategies import histories
from chatr.transfer import BEGINNING, Differs, compare, move, proved


async def moved(source: EventLog, target: EventLog) -> list[Stored]:
    """What is in the target once the rest of the source has been moved there."""
    await move(source, target, await target.head(), await source.head())
    return await everything(target)


@given(histories(), st.data())
def test_a_log_is_moved_whole_or_in_parts(records: list[Record], data: st.DataObject) -> None:
    """Whatever happened in a room, and wherever a move was stopped before, the log comes out the same."""
    there = data.draw(st.integers(0, len(records)))

    async def check() -> None:
        source, target = await holding(MemoryLog(), records), await holding(MemoryLog(), records[:there])

        assert await moved(source, target) == await everything(source)

    asyncio.run(check())


@given(histories())
def test_the_head_of_a_log_is_that_of_its_room(records: list[Record]) -> None:
    """What proves that nothing was changed is the head that a room shows, too."""

    async def check() -> None:
        log = await holding(MemoryLog(), records)
        place = await proved(log, len(records))

        assert (place.head, place) == (folded(records).head, await compare(log, log, BEGINNING, len(records)))

    asyncio.run(check())


class Failing(MemoryLog):
    """A store that fails while it is asked for the record `at`, once it has stored it or before."""

    def __init__(self, at: int, *, landed: bool) -> None:
        super().__init__()
        self.at, self.landed = at, landed

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        fails = await self.head() + 1 >= self.at
        if not fails or self.landed:
            stored = await super().append(draft, expected=expected)
        if fails:
            raise Unknown("no answer") if self.landed else Unavailable("no room")
        return stored


@pytest.mark.parametrize("landed", [True, False])
async def test_a_store_that_fails(landed: bool) -> None:
    """Whether or not a record landed, the move says that it can be asked for again, and is then finished."""
    source, target = MemoryLog(), Failing(3, landed=landed)
    await chain(source, "agent/ada", 5)
    with pytest.raises(Unavailable, match="goes on where it stopped"):
        await moved(source, target)
    target.at = 99

    assert await moved(source, target) == await everything(source)


async def test_a_target_that_somebody_else_writes_to() -> None:
    """Records that do not come out at their place stop the move."""
    source, target = MemoryLog(), MemoryLog()
    await fill(source, 2)
    await target.append(draft(), expected=0)
    with pytest.raises(Differs, match="Record 1 comes out otherwise"):
        await move(source, target, 0, 2)


async def test_a_target_in_which_a_stream_goes_on_otherwise() -> None:
    """A record whose place in its stream is taken stops the move."""
    source, target = MemoryLog(), MemoryLog()
    await chain(source, "agent/ada", 2)
    await chain(target, "agent/ada", 1)
    with pytest.raises(Differs, match="Record 1 comes out otherwise"):
        await move(source, target, 0, 2)


class Altered(MemoryLog):
    """A log in which the text of the record at position 2 was altered by hand."""

    async def read(self, after: int, limit: int) -> list[Stored]:
        return [each if each.position != 2 else evolve(each, data="[]") for each in await super().read(after, limit)]


async def test_an_altered_record_is_not_moved() -> None:
    """What does not fit its check is told by its position."""
    source = Altered()
    await fill(source, 3)
    with pytest.raises(Differs, match="Record 2 does not fit its check"):
        await moved(source, MemoryLog())


async def test_two_logs_that_differ() -> None:
    """The first record that is not the same in both is told by its position."""
    ours, theirs = MemoryLog(), Altered()
    for log in (ours, theirs):
        for number in range(3):
            await log.append(draft(record_id=str(number)), expected=0)
    with pytest.raises(Differs, match="Record 2 is not the same in both"):
        await compare(ours, theirs, BEGINNING, 3)
