"""An event log that fails on demand: unavailable, in doubt, contested, slow, or with other content than it had."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar
from uuid import uuid4

from attrs import define, field

from chatr.domain.events import AgentSeen, Cursor
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.ports import BringsClock, Clock, Draft, EventLog, Stored
from chatr.testing.records import draft_of

Call = Literal["append", "read", "pick", "tail", "head", "erase", "restore"]
Proceed = Callable[[], Awaitable[Any]]
"""Makes the real call and returns its result."""
Behaviour = Callable[..., Awaitable[Any]]
"""Takes a `Proceed` and the call's arguments. Returns the result of the call, or raises."""
Result = TypeVar("Result")


@define
class Fault:
    """A behaviour of calls of one kind: the first `skip` are made as usual, the next `times`, or all, are replaced."""

    behaviour: Behaviour
    skip: int
    times: int | None

    def is_due(self) -> bool:
        """Whether it replaces the call that is being made now, which is counted."""
        if self.skip:
            self.skip -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@define
class Hold:
    """Calls that wait for `release`. `reached` is set when the first one waits; `most_waiting` waited at one time."""

    reached: asyncio.Event = field(factory=asyncio.Event)
    most_waiting: int = 0
    _waiting: int = 0
    _released: asyncio.Event = field(factory=asyncio.Event)

    def release(self) -> None:
        """Let the waiting calls proceed, and all that follow."""
        self._released.set()

    async def wait(self) -> None:
        """Wait for `release`."""
        self._waiting += 1
        self.most_waiting = max(self.most_waiting, self._waiting)
        self.reached.set()
        try:
            await self._released.wait()
        finally:
            self._waiting -= 1


class FaultyLog:
    """Implements `chatr.ports.EventLog` by the log that it wraps, except for the calls that were given a fault.

        log = FaultyLog(MemoryLog())
        log.fail("append", LogUnavailable("the store is away"))
        with pytest.raises(LogUnavailable):
            await log.append(draft, expected=0)
        log.heal()
        await log.append(draft, expected=0)

    `calls` counts how often each call was made, `records_read` the records that `read` and `pick` returned. Each kind
    of call has one fault at a time; setting another replaces it. A fault of `tail` takes effect when the iteration
    begins: a tail that is being read goes on. `clock` is that of the wrapped log, and missing if that brings none.
    """

    clock: Clock

    def __init__(self, log: EventLog) -> None:
        self.log = log
        # An attribute of the instance: a property would make every wrapped log look as if it brought a clock.
        if isinstance(log, BringsClock):
            self.clock = log.clock
        self.calls: Counter[Call] = Counter()
        self.records_read = 0
        self._faults: dict[Call, Fault] = {}
        self._holds: list[Hold] = []

    def replace(self, call: Call, behaviour: Behaviour, *, skip: int = 0, times: int | None = None) -> None:
        """Give calls another behaviour: the first `skip` are made as usual, the next `times`, or all, are replaced."""
        self._faults[call] = Fault(behaviour, skip, times)

    def fail(
        self, call: Call, error: Exception, *, after_effect: bool = False, skip: int = 0, times: int | None = None
    ) -> None:
        """Raise `error` instead of making the call; with `after_effect` make it, and raise instead of its result."""

        async def behaviour(proceed: Proceed, *_: object) -> None:
            if after_effect:
                await proceed()
            raise error

        self.replace(call, behaviour, skip=skip, times=times)

    def change(self, call: Call, change: Callable[[Any], Any], *, times: int | None = None) -> None:
        """Make the call and return what `change` makes of its result."""

        async def behaviour(proceed: Proceed, *_: object) -> Any:
            return change(await proceed())

        self.replace(call, behaviour, times=times)

    def hold(self, call: Call) -> Hold:
        """Let calls wait until the returned `Hold` is released, or for ever."""
        hold = Hold()

        async def behaviour(proceed: Proceed, *_: object) -> Any:
            await hold.wait()
            return await proceed()

        self._holds.append(hold)
        self.replace(call, behaviour)
        return hold

    def contest(self) -> None:
        """Let another node append to the same agent's stream before each append, which then raises Conflict."""

        async def behaviour(proceed: Proceed, draft: Draft, expected: int) -> Any:
            # Any record of the same stream conflicts; this one leaves the agent's messages as they are.
            seen = AgentSeen(AgentId(draft.stream.removeprefix(AGENT_STREAM)), draft.at)
            rival = draft_of(seen, record_id=str(uuid4()), decided_at_position=draft.decided_at_position)
            await self.log.append(rival, expected=expected)
            return await proceed()

        self.replace("append", behaviour)

    def heal(self) -> None:
        """Remove all faults and release all calls that wait."""
        self._faults.clear()
        # Calls that wait do not look at their fault again.
        for hold in self._holds:
            hold.release()

    async def _make(self, call: Call, proceed: Callable[[], Awaitable[Result]], *arguments: object) -> Result:
        """Count the call, then make it or do what its fault says."""
        self.calls[call] += 1
        fault = self._faults.get(call)
        if fault is None or not fault.is_due():
            return await proceed()
        result: Result = await fault.behaviour(proceed, *arguments)
        return result

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """As `EventLog.append`."""
        return await self._make("append", partial(self.log.append, draft, expected=expected), draft, expected)

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:
        """As `EventLog.erase`."""
        await self._make("erase", partial(self.log.erase, positions, report), positions)

    async def restore(self, records: Sequence[Stored]) -> None:
        """As `EventLog.restore`."""
        await self._make("restore", partial(self.log.restore, records), records)

    async def read(self, after: int, limit: int) -> list[Stored]:
        """As `LogReader.read`."""
        records = await self._make("read", partial(self.log.read, after, limit))
        self.records_read += len(records)
        return records

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """As `LogReader.pick`."""
        records = await self._make("pick", partial(self.log.pick, positions), positions)
        self.records_read += len(records)
        return records

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`."""

        async def proceed() -> AsyncIterator[list[Stored]]:
            return self.log.tail(after)

        # A call of `tail` does nothing until it is iterated, so that is when it counts and may fail.
        async for batch in await self._make("tail", proceed):
            yield batch

    async def head(self) -> int:
        """As `LogReader.head`."""
        return await self._make("head", self.log.head)
