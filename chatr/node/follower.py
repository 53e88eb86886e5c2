"""Follow the log: fold each record into the room, then notify the listeners. Nothing else changes the room."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from chatr.domain.events import MessagePosted
from chatr.domain.moderation_events import MessageRestored
from chatr.domain.room import Room
from chatr.node.integrity import Integrity
from chatr.node.listener import Listener
from chatr.node.message_waiters import MessageWaiters
from chatr.node.record_slices import slices
from chatr.node.timeouts import DEFAULT_NODE_TIMEOUTS, NodeTimeouts
from chatr.ports import EventLog, LogChanged, LogUnavailable, Stored

logger = structlog.get_logger()


class Follower:
    """Holds the room, folds the log into it, and lets others wait for a record."""

    def __init__(
        self,
        event_log: EventLog,
        room: Room,
        listeners: Sequence[Listener] = (),
        timeouts: NodeTimeouts = DEFAULT_NODE_TIMEOUTS,
    ) -> None:
        self.timeouts = timeouts
        self.integrity = Integrity()
        self._log = event_log
        self._room = room
        self._listeners = list(listeners)
        # By record id and by position: a command knows the id of its record, a request the position that it waits for.
        self._fold_futures: dict[int | str, asyncio.Future[int]] = {}
        self._message_waiters = MessageWaiters()
        self._stopping = False
        self._rereading = False

    def add_listener(self, listener: Listener, *, first: bool = False) -> None:
        """Notify this listener too, after the others or before them."""
        self._listeners.insert(0 if first else len(self._listeners), listener)

    @property
    def room(self) -> Room:
        """The room as of the last record that was folded."""
        return self._room

    @property
    def is_rereading(self) -> bool:
        """Whether the log was replaced and is being read again: the room is out of date and nothing may be decided."""
        return self._rereading

    async def run(self) -> None:
        """Follow the log for ever. If this raises, the room may be half folded and the process must end."""
        while True:
            try:
                # A tail waits while the store is unavailable; only LogChanged ends it.
                async for batch in self._log.tail(self._room.cursor):
                    for records in slices(batch):
                        self._fold_and_notify(records)
                        if len(records) < len(batch):
                            await asyncio.sleep(0)
                    # Not held until the next batch: the texts may have to be erased.
                    del batch, records
            except LogChanged as change:
                logger.error("log_changed", reason=str(change))  # noqa: TRY400 -- the traceback says nothing more
                await self._reread()

    def _fold_and_notify(self, batch: Sequence[Stored]) -> None:
        """Fold a batch, notify the listeners, then release the tasks that wait for one of its records.

        There is no `await` here, so no other task sees the room before the listeners do.
        """
        records = self.integrity.fold(self._room, batch)
        for listener in self._listeners:
            listener.records_folded(self._room, records)
        if any(isinstance(record.event, MessagePosted | MessageRestored) for record in records):
            self._message_waiters.release()
        for record in records if self._fold_futures else ():
            for key in (record.position, record.id):
                future = self._fold_futures.pop(key, None)
                # A command that is cancelled or times out cancels its own future, the one under the record id.
                if future is not None and not future.done():
                    future.set_result(record.position)

    async def _reread(self) -> None:
        """Fold the new log from its beginning. Until that is done the old room is shown and nothing is decided."""
        # No future is completed here: a command that waits for its record times out, even if the new log holds it.
        # Its client gets `outcome_unknown`, which is true of a record that was stored in a log that was replaced.
        self._rereading = True
        self._room = await self._reread_room()
        self._rereading = False
        for listener in self._listeners:
            listener.room_replaced(self._room)
        self._message_waiters.release()

    async def _reread_room(self) -> Room:
        """The room of the new log, tried again until it could be read up to its head."""
        # Each attempt begins with an empty room: a LogChanged means that what was folded is void again.
        while True:
            with suppress(LogChanged, LogUnavailable, TimeoutError):
                return await self._fold_from_beginning()
            await asyncio.sleep(self.timeouts.retry_pause)

    async def _fold_from_beginning(self) -> Room:
        """A new room with every record up to the current head. Raises LogChanged, LogUnavailable or TimeoutError."""
        room, head, tail = Room(), await self._log.head(), self._log.tail(None)
        self.integrity.log_replaced()
        while room.position < head:
            # If the log is restored once more, to fewer records, `head` is never reached: the time-out starts again.
            async with asyncio.timeout(self.timeouts.fold):
                batch = await anext(tail)
            for records in slices(batch):
                self.integrity.fold(room, records)
                await asyncio.sleep(0)
        return room

    def folded_future(self, key: int | str) -> asyncio.Future[int]:
        """The future that is done once the record with this position or id is folded. Its result is the position.

        Ask for it before the record can be folded: a record that is folded already completes no future.
        """
        return self._fold_futures.setdefault(key, asyncio.get_running_loop().create_future())

    def forget_folded_future(self, key: int | str) -> None:
        """Drop the future for this position or id, because no task waits for it any longer."""
        self._fold_futures.pop(key, None)

    async def wait_until_folded(self, position: int) -> None:
        """Wait until the record at `position` is folded. Raises TimeoutError after `timeouts.fold` seconds."""
        if position > self._room.position:
            async with asyncio.timeout(self.timeouts.fold):
                # Several requests may share this future: one that times out must not cancel it for the others.
                await asyncio.shield(self.folded_future(position))

    async def catch_up(self) -> bool:
        """Wait until everything that the log holds now is folded, for at most `timeouts.catch_up` seconds.

        Returns False if it took longer or the log is being read again: a record may exist that is not in the room.
        """
        try:
            async with asyncio.timeout(self.timeouts.catch_up):
                await self.wait_until_folded(await self._head_when_available())
        except TimeoutError:
            return False
        # The old room does not show what the new log holds.
        return not self._rereading

    async def _head_when_available(self) -> int:
        """The position of the log's last record. Asks the log again until it responds."""
        while True:
            # The caller's time-out ends this loop.
            with suppress(LogUnavailable):
                return await self._log.head()
            await asyncio.sleep(self.timeouts.retry_pause)

    @property
    def is_stopping(self) -> bool:
        """Whether the node stops, so that nothing is waited for any longer."""
        return self._stopping

    @property
    def message_news(self) -> int:
        """How often messages came, or were shown again, since the start."""
        return self._message_waiters.releases

    async def wait_for_messages(self, known: int) -> None:
        """Wait until messages come or are shown again, if they did `known` times so far. Other records wake nobody."""
        while self.message_news == known:
            await self._message_waiters.wait()

    def stop_waiting(self) -> None:
        """Release every request that waits for a message, because the node stops."""
        self._stopping = True
        self._message_waiters.release()
