"""A node notices records that were altered by hand: when it folds them, reads them again, or picks them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve, frozen

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.postgres.log import postgres_log
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.app import background
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentSeen
from chatr.node.integrity import ALTERED_TEXT
from chatr.node.listener import Listener
from chatr.node.node import Node
from chatr.node.scrubber import LogReplaced, Scrubber
from chatr.ports import EventLog, LogChanged, LogUnavailable, RecordMissing, Stored
from chatr.testing.clock import START
from chatr.testing.contract.steps import TIMEOUT, append_many
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import log_with, records_of
from tests.altered_logs import (
    ADDED,
    ALTERED,
    CHANGED,
    OF_STORED,
    RECORDS,
    SQLITE_ONLY,
    Alteration,
    Execute,
    each_of,
    in_file,
)
from tests.node.test_replaced_log import Replacements
from tests.postgres import Postgres

END = len(RECORDS)


@frozen
class Store:
    """A store that holds RECORDS, and how statements of SQL are run in it."""

    open: Callable[[], AbstractAsyncContextManager[EventLog]]
    execute: Execute


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of each kind whose content can be altered by hand."""
    if request.param == "sqlite":
        path = tmp_path / "chatr.db"
        made = Store(lambda: sqlite_log(path), in_file(path))
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.log()
        made = Store(lambda: postgres_log(url), lambda statement: server.execute(statement, url))
    async with made.open() as log:
        await log_with(log, RECORDS)
    return made


async def fold_all(node: Node, end: int = END) -> None:
    """Wait until the node has folded the log up to `end`. Raises what its follower raises."""
    async with asyncio.timeout(TIMEOUT), background(node.follower.run()) as following:
        folded = asyncio.create_task(node.follower.wait_until_folded(end))
        await asyncio.wait([folded, following], return_when=asyncio.FIRST_COMPLETED)
        folded.cancel()
        if following.done():
            following.result()


@asynccontextmanager
async def started_node(log: EventLog, *listeners: Listener) -> AsyncIterator[Node]:
    """A node that has read the log as a start does, and serves. Its messages are in the log only, not in memory."""
    node = node_on(log, None, *listeners)
    await fold_all(node, await log.head())
    node.integrity.check_from_now_on(node.room)
    node.room.history.newest.clear()
    async with background(node.follower.run()):
        yield node


async def yield_once(_seconds: float) -> None:
    """Let other tasks run, instead of waiting for so many seconds."""
    await asyncio.sleep(0)


def scrubber_of(node: Node, log: EventLog) -> Scrubber:
    """A scrubber that does not pause."""
    return Scrubber(log, node.follower, sleep=yield_once)


@pytest.mark.parametrize("alteration", OF_STORED.values(), ids=OF_STORED)
async def test_the_scrubber_finds_what_was_altered_after_a_start(store: Store, alteration: Alteration) -> None:
    """While a node runs, its scrubber finds each kind of alteration, with its position."""
    async with store.open() as log, started_node(log) as node:
        alteration.make(store.execute)
        await scrubber_of(node, log).scrub()

        assert (node.integrity.altered, node.integrity.verified_to) == (ALTERED, ALTERED - 1)


@pytest.mark.parametrize("alteration", each_of(OF_STORED))
async def test_an_altered_message_is_not_shown(store: Store, alteration: Alteration) -> None:
    """A message that is read from an altered record is reported, and has another content than the altered one."""
    async with store.open() as log, started_node(log) as node:
        alteration.make(store.execute)
        altered, intact = await node.messages.read([ALTERED, ALTERED + 1])

        assert (node.integrity.altered, altered.content) == (ALTERED, ALTERED_TEXT)
        assert (altered.cursor.position, intact.content) == (ALTERED, "Hi!")


@pytest.mark.parametrize("alteration", each_of(CHANGED | {"added row": ADDED}))
async def test_an_altered_record_that_is_tailed_is_reported(store: Store, alteration: Alteration) -> None:
    """A node that serves checks each record that it folds."""
    alteration.make(store.execute)
    async with store.open() as log:
        node = node_on(log)
        node.integrity.check_from_now_on(node.room)
        await fold_all(node, max(END, alteration.position))

        assert node.integrity.altered == alteration.position


async def test_a_text_that_is_no_utf8_is_found(tmp_path: Path) -> None:
    """In SQLite a text may be any bytes: the scrubber names the record."""
    async with sqlite_log(tmp_path / "chatr.db") as log:
        await log_with(log, RECORDS)
        async with started_node(log) as node:
            SQLITE_ONLY["no UTF-8"].make(in_file(tmp_path / "chatr.db"))
            await scrubber_of(node, log).scrub()

            assert node.integrity.altered == ALTERED


@pytest.mark.parametrize("alteration", each_of(CHANGED))
async def test_a_message_that_was_altered_before_a_start_is_not_shown(tmp_path: Path, alteration: Alteration) -> None:
    """A start checks the messages that it holds in memory before anybody is shown one."""
    async with sqlite_log(tmp_path / "chatr.db") as log:
        await log_with(log, RECORDS)
    alteration.make(in_file(tmp_path / "chatr.db"))
    async with sqlite_log(tmp_path / "chatr.db") as log:
        node = node_on(log)
        await fold_all(node)
        node.integrity.check_from_now_on(node.room)
        shown = [each.content for each in node.room.history.last(END) if each.cursor.position == ALTERED]

        # No message at all, where the type was altered.
        assert shown in ([], [ALTERED_TEXT])


def forge(records: list[Stored], position: int) -> list[Stored]:
    """The records with another time at `position`, and the hash that fits it."""
    found = [evolve(each, at=each.at + 1) if each.position == position else each for each in records]
    return [evolve(each, record_hash=each.record_hash_after(each.previous)) for each in found]


@pytest.mark.parametrize(("position", "found_at"), [(2, 1), (1_000, 1), (1_001, 1_001)])
async def test_an_altered_record_with_a_matching_hash_is_found_by_the_chain(position: int, found_at: int) -> None:
    """A record that was altered together with its hash is known to be among a thousand."""
    log = await long_log(1_100)
    async with started_node(log) as node:
        log.change("pick", lambda records: forge(records, position))
        await scrubber_of(node, log).scrub()

        assert node.integrity.altered == found_at


async def test_a_log_that_is_intact() -> None:
    """Nothing is reported of a log that nobody altered, and all of it was checked."""
    log = await log_with(MemoryLog(), RECORDS)
    async with started_node(log) as node:
        before = node.integrity.verified_to
        await scrubber_of(node, log).scrub()

        assert (before, node.integrity.verified_to, node.integrity.altered) == (0, END, None)


async def test_what_is_appended_is_verified_at_once() -> None:
    """In a log that began with this process, every record is verified when it is folded."""
    log = MemoryLog()
    node = node_on(log)
    node.integrity.check_from_now_on(node.room)
    await log_with(log, RECORDS)
    await fold_all(node)

    assert node.integrity.verified_to == END


async def test_a_repaired_record_is_forgotten() -> None:
    """Once the record is as it was, and the whole log was read again, nothing is reported any longer."""
    log = FaultyLog(await log_with(MemoryLog(), RECORDS))
    async with started_node(log) as node:
        log.change("pick", lambda records: [evolve(each, data="{}") for each in records])
        await scrubber_of(node, log).scrub()
        reported = node.integrity.altered
        log.heal()
        await scrubber_of(node, log).scrub()

        assert (reported, node.integrity.altered, node.integrity.verified_to) == (1, None, END)


async def test_an_erased_record_is_no_alteration() -> None:
    """A record whose text was erased keeps its hash, and is not reported."""
    log = FaultyLog(await log_with(MemoryLog(), RECORDS))
    async with started_node(log) as node:
        log.change("pick", lambda records: [evolve(each, data="") for each in records])
        await scrubber_of(node, log).scrub()

        assert (node.integrity.altered, node.integrity.verified_to) == (None, END)


async def test_the_scrubber_waits_while_the_store_is_away() -> None:
    """A store that fails is asked again later, and the scrubber goes on where it was."""
    log = FaultyLog(await log_with(MemoryLog(), RECORDS))
    async with started_node(log) as node:
        log.fail("pick", LogUnavailable("the store is away"), times=3)
        await scrubber_of(node, log).scrub()

        assert (node.integrity.altered, node.integrity.verified_to) == (None, END)


@pytest.mark.parametrize("others", [0, 5], ids=["shorter", "with other records since"])
async def test_a_replaced_log_is_not_called_altered(others: int) -> None:
    """What another log holds is no alteration, also before the follower has noticed: the scrubber starts over."""
    log = FaultyLog(await log_with(MemoryLog(), RECORDS))
    async with started_node(log) as node:
        older_copy = await log_with(MemoryLog(), RECORDS[:7])
        await append_many(older_copy, others)
        log.log = older_copy
        log.replace("pick", partial(pick_as_sql_does, older_copy))
        with pytest.raises(LogReplaced):
            await scrubber_of(node, log).scrub()

        assert node.integrity.altered is None


async def pick_as_sql_does(log: EventLog, _proceed: object, positions: Sequence[int]) -> list[Stored]:
    """The records at these positions. Raises RecordMissing."""
    if max(positions) > await log.head():
        raise RecordMissing("the log does not hold these records any longer")
    return await log.pick(positions)


async def test_what_was_found_in_a_log_that_was_replaced_is_forgotten() -> None:
    """After the log was replaced by an intact one nothing is reported, and all of it was checked while it was read."""
    log, replaced = FaultyLog(await log_with(MemoryLog(), RECORDS)), asyncio.Event()
    async with started_node(log, Replacements(replaced)) as node:
        node.integrity.report(ALTERED)
    log.fail("tail", LogChanged("The log was restored."), times=1)
    async with asyncio.timeout(TIMEOUT), background(node.follower.run()):
        await replaced.wait()

    assert (node.integrity.altered, node.integrity.verified_to) == (None, END)


async def long_log(length: int = 1_000) -> FaultyLog:
    """A log of so many records."""
    return FaultyLog(await log_with(MemoryLog(), records_of([AgentSeen(agent_id("Ada"), START)] * length)))


async def test_the_scrubber_uses_one_percent_of_a_core() -> None:
    """For each second of CPU time that reading and checking takes, the scrubber rests for 99 seconds."""
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    log = await long_log()
    async with started_node(log) as node:
        began = time.process_time()
        await Scrubber(log, node.follower, sleep=rest).scrub()
        used = time.process_time() - began

    assert sum(rests) > 0.9 * 99 * used


async def test_the_scrubber_reads_a_hundred_records_at_a_time() -> None:
    """However long the log is, other tasks run after every hundred records."""
    log = await long_log()
    async with started_node(log) as node:
        await scrubber_of(node, log).scrub()

    assert (log.calls["pick"], log.records_read) == (10, 1_000)


@pytest.mark.parametrize("column", ["id", "hash", "text"])
async def test_an_alteration_of_the_last_record_is_found(tmp_path: Path, column: str) -> None:
    """By the last record the scrubber sees whether the log was replaced: to alter one column of it hides nothing."""
    async with sqlite_log(tmp_path / "chatr.db") as log:
        await log_with(log, RECORDS[:ALTERED])
        async with started_node(log) as node:
            CHANGED[column].make(in_file(tmp_path / "chatr.db"))
            await scrubber_of(node, log).scrub()

            assert node.integrity.altered == ALTERED
