"""A node carries out the erasures that it folds: in its log and in its files, whatever fails meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from attrs import define, evolve
from structlog.testing import capture_logs

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.domain.events import Event, LimitsAdopted, MessagePosted
from chatr.domain.limits import SECOND, Limit, Limits
from chatr.domain.room import Room
from chatr.node.erasing import Erasing
from chatr.node.node import Node
from chatr.ports import LogUnavailable
from chatr.testing.clock import START
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import folded_room, log_with, records_of
from tests.domain.examples import CRAB, CRAB_REGISTERED
from tests.erasures import erasure_of, record_erasure, texts_in

OPEN: Final = LimitsAdopted(Limits(Limit(1_000, SECOND), Limit(1_000, SECOND)), START)


def posts(count: int) -> list[Event]:
    """A log of so many messages, from position 3 on."""
    return [OPEN, CRAB_REGISTERED, *(MessagePosted(CRAB, f"Text {number}", None, START) for number in range(count))]


async def log_of_posts(count: int) -> FaultyLog:
    """A log with so many messages, which fails on demand."""
    return FaultyLog(await log_with(MemoryLog(), records_of(posts(count))))


@define(eq=False)
class Steps:
    """A file that counts how often it was renewed, of which the first `failures` attempts failed."""

    failures: int = 0
    is_outdated: bool = False
    renewals: int = 0

    def mark_outdated(self) -> None:
        """As `TextFile.mark_outdated`."""
        self.is_outdated = True

    async def remove_erased_texts(self, _room: Room) -> None:
        """As `TextFile.remove_erased_texts`."""
        if self.is_outdated and self.failures:
            self.failures -= 1
            raise OSError("No space left on device")
        self.renewals += self.is_outdated
        self.is_outdated = False


@asynccontextmanager
async def running(log: FaultyLog, *files: Steps) -> AsyncIterator[tuple[Node, Erasing]]:
    """A node that has folded the log and carries out erasures."""
    erasing = Erasing(log, files, first_pause=0.001)
    node = node_on(log, None, erasing)
    async with background(node.follower.run()), asyncio.timeout(20):
        await node.follower.wait_until_folded(await log.head())
        async with background(erasing.run(node.room)):
            yield node, erasing


async def test_an_erasure_that_is_folded_is_carried_out() -> None:
    """The log holds the text no longer when the erasing is reported as complete; all others stay."""
    log = await log_of_posts(3)
    async with running(log) as (node, erasing):
        await record_erasure(node, log, 4)
        await erasing.wait_until_clean()

    assert await texts_in(log) == [1, 2, 3, 5, 6]


async def test_a_start_completes_an_erasure() -> None:
    """If all nodes were killed after the erasing record was stored, the next one that starts empties the records."""
    log = await log_of_posts(3)
    await log_with_erasure(log, 3, 5)
    before = await texts_in(log)
    async with running(log) as (_, erasing):
        await erasing.wait_until_clean()

    assert before == [1, 2, 3, 4, 5, 6]
    assert await texts_in(log) == [1, 2, 4, 6]


async def log_with_erasure(log: FaultyLog, *positions: int) -> None:
    """Append an erasing record that nobody carries out."""
    async with running(log) as (node, _):
        pass
    follower = asyncio.create_task(node.follower.run())
    await record_erasure(node, log.log, *positions)
    follower.cancel()


async def test_a_room_from_a_checkpoint_completes_an_erasure() -> None:
    """Erasures that were folded before the checkpoint was written are checked at the start, too."""
    records = records_of([*posts(3), erasure_of(*await (await log_of_posts(3)).pick([4]))])
    log = await log_with(MemoryLog(), records)
    erasing = Erasing(log)
    async with background(erasing.run(folded_room(records))), asyncio.timeout(20):
        await erasing.wait_until_clean()

    assert await texts_in(log) == [1, 2, 3, 5, 6]


async def test_a_log_that_is_away_is_tried_again() -> None:
    """What is not clean yet is reported, in the program's log once, and the erasing is completed."""
    log, reports = await log_of_posts(3), list[str]()
    log.fail("erase", LogUnavailable("the store is away"), times=3)
    with capture_logs() as lines:
        async with running(log) as (node, erasing):
            await record_erasure(node, log, 4)
            await erasing.wait_until_clean(reports.append)

    assert set(reports) == {"Not everything is erased yet: the store is away."}
    assert [line["event"] for line in lines] == ["erasure_incomplete", "erasure_completed"]
    assert 4 not in await texts_in(log)


async def test_files_are_renewed() -> None:
    """A file that may hold the text is written again before the erasing is complete, and tried again if that fails."""
    log, file, reports = await log_of_posts(3), Steps(failures=2), list[str]()
    async with running(log, file) as (node, erasing):
        await record_erasure(node, log, 4)
        await erasing.wait_until_clean(reports.append)
        done = file.renewals
    async with running(log, file) as (_, erasing):
        await erasing.wait_until_clean()

    assert set(reports) == {"Not everything is erased yet: No space left on device."}
    # The second room was folded from the log, not from the file.
    assert (done, file.renewals) == (1, 2)


async def test_a_start_without_erasures_does_nothing() -> None:
    """Nothing is read or written then, and the file is left alone."""
    log, file = await log_of_posts(3), Steps()
    async with running(log, file) as (_, erasing):
        await erasing.wait_until_clean()

    assert (log.calls["pick"], log.calls["erase"], file.renewals) == (0, 0, 0)


async def test_what_is_empty_is_not_erased_again() -> None:
    """A later start reads the records, a hundred at a time, and asks the log only to remove copies."""
    log, erased = await log_of_posts(250), list[Sequence[int]]()
    await log_with_erasure(log, *range(3, 253))
    async with running(log) as (_, erasing):
        await erasing.wait_until_clean()

    async def note(_proceed: object, positions: Sequence[int]) -> None:
        erased.append(positions)

    log.calls.clear()
    log.replace("erase", note)
    async with running(log) as (_, erasing):
        await erasing.wait_until_clean()

    assert erased == [[]]
    assert log.calls["pick"] == 4


@pytest.mark.parametrize("change", [{"type": "agent-seen.v1"}, {"at": START + 1}, {"id": "another"}])
async def test_another_record_is_not_erased(change: dict[str, Any]) -> None:
    """Only the record that was named is emptied: neither another one at its position, nor one that was changed."""
    log = await log_of_posts(3)
    log.change("pick", lambda records: [evolve(each, **change) if each.position == 4 else each for each in records])
    async with running(log) as (node, erasing):
        await record_erasure(node, log.log, 4)
        await erasing.wait_until_clean()

    assert 4 in await texts_in(log)


async def test_erasing_does_not_wait_for_the_reader_of_another_text() -> None:
    """While somebody still reads one text, another one is erased at once; both are clean when the reader is done."""
    log, waiting, reader_done, second = await log_of_posts(3), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def erase(proceed: Any, positions: Sequence[int]) -> None:
        await proceed()
        if positions == [5]:
            second.set()
        report = proceed.args[1]
        while not reader_done.is_set():
            waiting.set()
            report("The text is still readable.")
            await asyncio.sleep(0)

    log.replace("erase", erase)
    async with running(log) as (node, erasing):
        await record_erasure(node, log, 4)
        await waiting.wait()
        await record_erasure(node, log, 5)
        await second.wait()
        clean = erasing.is_clean
        reader_done.set()
        await erasing.wait_until_clean()

    assert not clean
    assert await texts_in(log) == [1, 2, 3, 6, 7]


async def test_nothing_is_erased_from_an_older_copy_of_the_log() -> None:
    """Without the last record that was folded it is another log, in which no record may erase these texts."""
    log, tried = await log_of_posts(3), asyncio.Event()
    log.change("pick", lambda records: [evolve(each, id="0" * 32) if each.position == 6 else each for each in records])
    async with running(log) as (node, erasing):
        assert await record_erasure(node, log.log, 4) == 6
        cleaning = asyncio.create_task(erasing.wait_until_clean(lambda _: tried.set()))
        async with asyncio.timeout(10):
            await tried.wait()
        texts = await texts_in(log)
        log.heal()
        await cleaning

    assert 4 in texts
    assert 4 not in await texts_in(log)
