"""`FaultyLog` behaves as the log that it wraps, except for the calls that were given a fault."""

import asyncio

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.commands import agent_id
from chatr.ports import BringsClock, Conflict, EventLog, LogChanged, LogUnavailable, OutcomeUnknown
from chatr.testing.clock import SettableClock
from chatr.testing.contract.steps import append_chain, append_many, new_draft, read_all, read_tail
from chatr.testing.faulty_log import FaultyLog


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


async def test_a_log_without_faults_behaves_as_the_one_it_wraps(log: FaultyLog) -> None:
    """Every call of the port is passed on, and its result returned."""
    port: EventLog = log
    records = await append_chain(port, "agent/ada", 3)

    assert await port.read(1, 2) == records[1:]
    assert await port.pick([3, 1]) == [records[2], records[0]]
    assert await read_tail(port, 2, records[0].cursor) == records[1:]
    assert await port.head() == 3


class MemoryLogWithClock(MemoryLog):
    """A log in memory whose store has the time. Implements `chatr.ports.BringsClock`."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()


def test_the_clock_of_a_log_is_passed_on() -> None:
    """A node on a wrapped log decides by the clock that the log brings, and by its own if the log brings none."""
    inner = MemoryLogWithClock()
    log = FaultyLog(inner)

    assert isinstance(log, BringsClock)
    assert log.clock is inner.clock
    assert not isinstance(FaultyLog(MemoryLog()), BringsClock)


async def test_a_call_that_fails_has_no_effect(log: FaultyLog) -> None:
    """An append that raises LogUnavailable stores nothing; after `heal` it stores."""
    log.fail("append", LogUnavailable("the store is away"))
    with pytest.raises(LogUnavailable):
        await log.append(new_draft(), expected=0)
    assert await log.head() == 0
    log.heal()
    await append_many(log, 1)

    assert await log.head() == 1


async def test_a_call_may_fail_after_it_took_effect(log: FaultyLog) -> None:
    """An append whose answer is lost has stored its draft."""
    log.fail("append", OutcomeUnknown("no answer"), after_effect=True)
    with pytest.raises(OutcomeUnknown):
        await log.append(new_draft(), expected=0)

    assert await log.head() == 1


async def test_some_calls_may_fail(log: FaultyLog) -> None:
    """The first `skip` calls are made as usual, the next `times` fail, and all later ones are made as usual."""
    log.fail("head", LogUnavailable("the store is away"), skip=1, times=2)
    outcomes = await asyncio.gather(*(log.head() for _ in range(5)), return_exceptions=True)

    assert [isinstance(outcome, LogUnavailable) for outcome in outcomes] == [False, True, True, False, False]


async def test_a_result_may_be_changed(log: FaultyLog) -> None:
    """A log may seem longer, shorter or empty."""
    await append_many(log, 2)
    log.change("head", lambda head: head + 3, times=1)
    log.change("read", lambda _records: [])

    assert [await log.head(), await log.head()] == [5, 2]
    assert await read_all(log) == []


async def test_a_call_may_wait(log: FaultyLog) -> None:
    """Calls wait until they are released; how many waited at one time is known."""
    hold = log.hold("head")
    heads = [asyncio.create_task(log.head()) for _ in range(3)]
    await hold.reached.wait()
    await append_many(log, 1)
    waited = [head.done() for head in heads]
    hold.release()

    assert (waited, await asyncio.gather(*heads), hold.most_waiting) == ([False] * 3, [1] * 3, 3)


async def test_healing_releases_calls_that_wait(log: FaultyLog) -> None:
    """After `heal` no call waits, whether it was made before or is made later."""
    hold = log.hold("head")
    before = asyncio.create_task(log.head())
    await hold.reached.wait()
    log.heal()

    assert (await before, await log.head()) == (0, 0)


async def test_an_append_may_be_contested(log: FaultyLog) -> None:
    """Another node appends to the agent's stream first, so the append conflicts with that record."""
    log.contest()
    with pytest.raises(Conflict) as conflict:
        await log.append(new_draft(f"agent/{agent_id('Ada')}"), expected=0)
    (rival,) = await read_all(log)

    assert (rival.stream, rival.type) == (f"agent/{agent_id('Ada')}", "agent-seen.v1")
    assert conflict.value.position == rival.position


async def test_a_log_may_be_replaced(log: FaultyLog) -> None:
    """A tail may raise LogChanged as soon as it is iterated."""
    records = await append_many(log, 1)
    log.fail("tail", LogChanged("the log was restored"), times=1)
    with pytest.raises(LogChanged):
        await anext(log.tail(None))

    assert await read_tail(log, 1) == records


async def test_calls_and_records_are_counted(log: FaultyLog) -> None:
    """What was asked of the log is known, also where it failed; a tail's own reads do not count."""
    await append_many(log, 3)
    await log.read(0, 2)
    await log.pick([3])
    await read_tail(log, 3)
    log.fail("read", LogUnavailable("the store is away"))
    with pytest.raises(LogUnavailable):
        await log.read(0, 2)

    assert log.calls == {"append": 3, "read": 2, "pick": 1, "tail": 1}
    assert log.records_read == 3
