"""Follow the log and fold it into the room; hand commands to the rules and append what comes of them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from typing import Final
from weakref import WeakValueDictionary

import structlog
from attrs import frozen

from chatr.codec import decode, encode
from chatr.domain.commands import Command
from chatr.domain.decide import Settled, answered, decide
from chatr.domain.events import AgentId, Event, MessagePosted, Record
from chatr.domain.history import Message, message_of
from chatr.domain.limits import SECOND
from chatr.domain.room import Room
from chatr.ports import Clock, Conflict, EventLog, LogChanged, Secrets, Stored, Unavailable, Unknown

ATTEMPTS: Final = 5
"""A conflict comes only from another node; so many in a row mean that the nodes cannot keep up."""
CATCH_UP: Final = 5.0
PROMPT: Final = 1.0
"""Seconds within which a node that is ready answers that it is, and within which it has appended."""
PAUSE: Final = 0.1
"""Seconds between two questions to a log that is away."""
TRUST_AFTER: Final = 10_000
"""Milliseconds without a failed append after which the store is believed in again."""

log = structlog.get_logger()


class Overloaded(Exception):
    """Other nodes were faster every time. Nothing was stored."""


@frozen
class Handled:
    """The record at `position` answers the command; `settled`: it did so before."""

    position: int
    settled: bool


def nothing() -> None:
    """Nobody watches."""


def fold(room: Room, batch: Sequence[Stored]) -> list[Record]:
    """Apply a batch of the log to a room. Raises Unreadable or OutOfOrderError."""
    records = [decode(stored) for stored in batch]
    for record in records:
        room.apply(record)
    return records


class Node:
    """One reader and writer of the log. `publish` is called with what was just folded, before anything else happens;
    `start_over` when another room took the place of the one that was shown.
    """

    def __init__(
        self,
        event_log: EventLog,
        clock: Clock,
        secrets: Secrets,
        publish: Callable[[Sequence[Record]], None],
        start_over: Callable[[], None] = nothing,
        *,
        patience: float = 5.0,
    ) -> None:
        self.room = Room()
        self._log = event_log
        self._clock = clock
        self._secrets = secrets
        self._publish = publish
        self._start_over = start_over
        self._patience = patience
        self._turns: WeakValueDictionary[AgentId, asyncio.Lock] = WeakValueDictionary()
        self._arrivals: dict[int | str, asyncio.Future[int]] = {}
        self._folded = asyncio.Event()
        self._leaving = False
        self._reading_again = False
        self._failed_at: int | None = None
        self._appending: dict[str, int] = {}

    async def follow(self) -> None:
        """The one loop in which memory changes. Never returns; if it raises, the process must end."""
        while True:
            try:
                async for batch in self._log.tail(self.room.cursor):
                    self._apply(batch)
            except LogChanged as change:
                log.error("log_changed", reason=str(change))  # noqa: TRY400 -- the traceback says nothing more
                self._reading_again = True
                self.room = await self._read_again()
                self._reading_again = False
                self._start_over()

    async def _read_again(self) -> Room:
        """The room of a log that was restored or replaced; the old one is shown meanwhile, and nothing is decided."""
        while True:
            with suppress(LogChanged, Unavailable, TimeoutError):
                return await self._whole_room()
            await asyncio.sleep(PAUSE)

    async def _whole_room(self) -> Room:
        """Raises TimeoutError: a log that was restored once more may end before the head that it had."""
        room, head, tail = Room(), await self._log.head(), self._log.tail(None)
        while room.position < head:
            async with asyncio.timeout(self._patience):
                fold(room, await anext(tail))
        return room

    def _apply(self, batch: Sequence[Stored]) -> None:
        records = fold(self.room, batch)
        self._publish(records)
        self._folded.set()
        self._folded = asyncio.Event()
        for record in records:
            for each in (record.position, record.id):
                arrival = self._arrivals.pop(each, None)
                if arrival is not None and not arrival.done():
                    arrival.set_result(record.position)

    def _arrival(self, of: int | str) -> asyncio.Future[int]:
        """What is done once the record at a position, or with an id, is folded; its result is that position."""
        return self._arrivals.setdefault(of, asyncio.get_running_loop().create_future())

    async def applied(self, position: int) -> None:
        """Wait until this node has folded `position`. Raises TimeoutError when its tail does not get there."""
        if position > self.room.position:
            async with asyncio.timeout(self._patience):
                await asyncio.shield(self._arrival(position))

    async def catch_up(self) -> bool:
        """Fold what the log holds by now; False if that takes too long, and what is not here yet may be on its way."""
        try:
            async with asyncio.timeout(CATCH_UP):
                await self.applied(await self._head_at_last())
        except TimeoutError:
            return False
        return not self._reading_again

    async def _head_at_last(self) -> int:
        while True:
            with suppress(Unavailable):
                return await self._log.head()
            await asyncio.sleep(PAUSE)

    def settled(self, command: Command) -> bool:
        """Whether a record answers `command` already, and it need not be handed in."""
        return answered(self.room.agent(command.agent), command, self.room.house) is not None

    async def handle(self, command: Command) -> Handled:
        """Have `command` decided and what comes of it stored and folded.

        Raises Refused, Overloaded, Unavailable or Unknown.
        """
        turn = self._turns.setdefault(command.agent, asyncio.Lock())
        async with turn:
            for _ in range(ATTEMPTS):
                if self._reading_again:
                    raise Unavailable("the log was replaced and is being read again")
                outcome = decide(self.room.agent(command.agent), command, self.room.house)
                if isinstance(outcome, Settled):
                    return Handled(outcome.position, settled=True)
                try:
                    return Handled(await self._append(outcome), settled=False)
                except Conflict as conflict:
                    await self._see(conflict.position or await self._log.head())
        raise Overloaded

    async def _append(self, event: Event) -> int:
        """Where the event then stands. It is known by its id: a log that failed over may use its position again."""
        draft = encode(event, record_id=self._secrets.record_id(), seen=self.room.position)
        arrival = self._arrival(draft.id)
        self._appending[draft.id] = self._clock.elapsed()
        try:
            await self._log.append(draft, expected=self.room.expected(event))
            async with nullcontext() if arrival.done() else asyncio.timeout(self._patience):
                return await arrival
        except TimeoutError as error:
            raise Unknown("the log's tail does not arrive") from error
        except (Unavailable, Unknown) as error:
            self._failed_at = self._clock.elapsed()
            log.warning("append_failed", reason=str(error))
            raise
        finally:
            self._arrivals.pop(draft.id, None)
            del self._appending[draft.id]

    async def _see(self, position: int) -> None:
        """Fold what a decision conflicted with."""
        try:
            await self.applied(position)
        except TimeoutError as error:
            raise Unavailable("the log's tail does not arrive") from error

    async def messages(self, positions: Sequence[int]) -> list[Message]:
        """The messages at these positions (at most 100). The log is asked for those that memory no longer holds."""
        newest = map(self.room.history.whole, positions)
        found = {record.position: message_of(record) for record in newest if record is not None}
        if missing := [position for position in positions if position not in found]:
            found |= {message.cursor.position: message for message in await self._picked(missing)}
        return [found[position] for position in positions]

    async def _picked(self, positions: Sequence[int]) -> list[Message]:
        """Raises Unavailable, also where the log was replaced and this node has not read it again yet."""
        records = list(map(decode, await self._log.pick(positions)))
        if self._reading_again or not all(isinstance(each.event, MessagePosted) for each in records):
            raise Unavailable("the log was replaced and is being read again")
        return list(map(message_of, records))

    def said_after(self, position: int) -> bool:
        """Whether there is news; when the node leaves, nobody shall wait for any."""
        positions = self.room.history.positions
        return self._leaving or (bool(positions) and positions[-1] > position)

    async def newer(self, after: int, within: float) -> None:
        """Wait until something was said after position `after`, for `within` seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not self.said_after(after):
                    await self._folded.wait()

    def leave(self) -> None:
        """Let nobody wait for news any longer."""
        self._leaving = True
        self._folded.set()

    async def ready(self) -> bool:
        """This node can append and has folded all there was a moment ago."""
        if self._struggling() or self._reading_again:
            return False
        try:
            async with asyncio.timeout(PROMPT):
                await self.applied(await self._log.head())
        except (TimeoutError, Unavailable):
            return False
        return True

    def _struggling(self) -> bool:
        """An append failed a moment ago, or one takes too long."""
        now = self._clock.elapsed()
        lately = self._failed_at is not None and now - self._failed_at < TRUST_AFTER
        return lately or now - min(self._appending.values(), default=now) > PROMPT * SECOND
