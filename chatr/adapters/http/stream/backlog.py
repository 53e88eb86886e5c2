"""The messages that watchers have missed, as frames: encoded once, and shared by all watchers that are behind.

Messages are counted from 0. A *block* is 50 consecutive ones; blocks are what is read from the log and cached.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from attrs import define, field

from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.evictions import BACKLOG_FAILED
from chatr.domain.history import message_from_record
from chatr.domain.room import Room
from chatr.node.node import Node
from chatr.ports import LogUnavailable

BLOCK: Final = 50
"""Messages of a block: at most 220 kB, and about one slice if they are short."""
MAX_CACHE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of the frames that are cached for all watchers."""
CONCURRENT_READS: Final = 2
"""Blocks that are read from the log at the same time. Posts use the same store."""
CHANGES_AT_ONCE: Final = 1_000
"""Removals and restorations whose blocks are discarded one by one. After more changes the whole cache is discarded."""
RETRY_PAUSE: Final = 0.5
"""Seconds between two attempts to read from a log that is unavailable."""

log = structlog.get_logger()


class BlockWaiter(Protocol):
    """What waits for a block. A watcher that is behind implements it."""

    def block_loaded(self) -> None:
        """The block is cached."""

    def abort(self, reason: str) -> None:
        """End the connection."""


@define(eq=False)
class Load:
    """A block that is being read, and those that wait for it."""

    task: asyncio.Task[None]
    waiters: dict[BlockWaiter, None] = field(factory=dict)


class Backlog:
    """Frames of messages, from memory or from the log."""

    def __init__(self, node: Node, *, max_cache_bytes: int = MAX_CACHE_BYTES) -> None:
        self._node = node
        self._max_cache_bytes = max_cache_bytes
        # In the order of their last use.
        self._blocks: dict[int, list[bytes]] = {}
        self._bytes = 0
        self._room = node.room
        self._verification_position = node.room.verification_position
        self._changes = len(node.room.history.removals.changes)
        self._loads: dict[int, Load] = {}
        self._reads = asyncio.Semaphore(CONCURRENT_READS)

    @property
    def room(self) -> Room:
        """The room whose messages these are."""
        return self._node.room

    @property
    def end(self) -> int:
        """The number of messages in the room, which is also the index of the next one."""
        return len(self._node.room.history.positions)

    def frames_from(self, index: int) -> Sequence[bytes] | None:
        """Return the frames from this message to the end of its block, or None if the block must be loaded first.

        A hidden message is represented by the line with its id alone, which is not a frame.
        """
        self._discard_outdated()
        block, start = divmod(index, BLOCK)
        cached = self._blocks.pop(block, [])
        is_complete = self._extend_from_memory(block, cached)
        if cached:
            self._blocks[block] = cached
        return cached[start:] if is_complete else None

    def frames_to_end(self, index: int, limit: int) -> list[bytes] | None:
        """Return all frames from this message on, or None if they are over `limit` bytes or must be loaded first.

        Hidden messages are as in `frames_from`, but most of them are left out.
        """
        found: list[bytes] = []
        size = 0
        while index < self.end:
            block = self.frames_from(index)
            if block is None:
                return None
            found.extend(block)
            size += sum(map(len, block))
            # Checked block by block, so that a client that missed a million messages costs no more than that.
            if size > limit:
                return None
            index = self.next_shown(index + len(block))
        return found

    def next_shown(self, index: int) -> int:
        """Return the index of the first message from this one on that is not hidden."""
        return self._node.room.history.next_visible(index)

    def position_before(self, index: int) -> int:
        """Return the position of the message before this one."""
        return self._node.room.history.positions[index - 1]

    def load(self, index: int, waiter: BlockWaiter) -> None:
        """Read the block of this message, and call `waiter.block_loaded` then. One read serves all its waiters."""
        block = index // BLOCK
        if block not in self._loads:
            self._loads[block] = Load(asyncio.get_running_loop().create_task(self._load(block)))
        self._loads[block].waiters[waiter] = None

    def cancel(self, index: int, waiter: BlockWaiter) -> None:
        """Stop waiting for the block of this message. A read for which nobody waits any longer is cancelled."""
        load = self._loads.get(index // BLOCK)
        if load is not None and load.waiters.pop(waiter, load) is None and not load.waiters:
            load.task.cancel()
            del self._loads[index // BLOCK]

    def forget(self) -> None:
        """Forget all cached frames, and a room that was replaced."""
        self._blocks.clear()
        self._bytes, self._room = 0, self._node.room

    def _discard_outdated(self) -> None:
        """Forget the frames of a log that was replaced, and those that may show an old badge or a hidden message."""
        room, changes = self._node.room, self._node.room.history.removals.changes
        is_outdated = self._room is not room or self._verification_position != room.verification_position
        # Verifications are rare, and the name and the avatar of an agent never change.
        if is_outdated or len(changes) - self._changes > CHANGES_AT_ONCE:
            self._verification_position = room.verification_position
            self.forget()
        else:
            for change in changes[self._changes :]:
                self._discard(bisect_left(room.history.positions, change.message) // BLOCK)
        self._changes = len(changes)

    def _discard(self, block: int) -> None:
        self._bytes -= sum(map(len, self._blocks.pop(block, [])))

    def _extend_from_memory(self, block: int, cached: list[bytes]) -> bool:
        """Add the messages in memory to the frames of a block. Return whether none of its messages is missing."""
        history = self._node.room.history
        missing = history.positions[block * BLOCK + len(cached) : (block + 1) * BLOCK]
        records = [record for position in missing if (record := history.record_at(position)) is not None]
        if len(records) == len(missing):
            self._add(cached, [frames.message_or_id(self._room, message_from_record(record)) for record in records])
        return len(records) == len(missing)

    def _add(self, cached: list[bytes], more: list[bytes]) -> None:
        cached.extend(more)
        self._bytes += sum(map(len, more))
        while self._bytes > self._max_cache_bytes and self._blocks:
            oldest = self._blocks.pop(next(iter(self._blocks)))
            self._bytes -= sum(map(len, oldest))

    async def _load(self, block: int) -> None:
        """Read a block into the cache, and notify its waiters."""
        try:
            async with self._reads:
                await self._read(block)
        except Exception:
            # Such as a damaged record: the clients reconnect, and the log says which record it is.
            log.exception("backlog_unreadable", block=block)
            for waiter in list(self._loads.pop(block).waiters):
                waiter.abort(BACKLOG_FAILED)
        else:
            for waiter in self._loads.pop(block).waiters:
                waiter.block_loaded()

    async def _read(self, block: int) -> None:
        while True:
            if await self._was_read(self._node.room, block):
                return
            await asyncio.sleep(RETRY_PAUSE)

    async def _was_read(self, room: Room, block: int) -> bool:
        """Read a block into the cache. Return False if the log is unavailable or was replaced meanwhile."""
        try:
            messages = await self._node.messages.read(room.history.positions[block * BLOCK : (block + 1) * BLOCK])
        except LogUnavailable:
            return False
        if room is not self._node.room:
            return False
        # A message may have been hidden, or another reader may have begun this block, while the log was read.
        self._discard_outdated()
        self._discard(block)
        cached: list[bytes] = []
        self._add(cached, [frames.message_or_id(room, message) for message in messages])
        self._blocks[block] = cached
        return True
