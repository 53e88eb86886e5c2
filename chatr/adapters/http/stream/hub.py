"""Fan-out: frames are encoded once and written to every watcher. No slow watcher delays the others.

A watcher has no task and no queue: the buffer of its socket is the queue, and a watcher that does not empty it is
dropped. Its client reconnects with the last id that it received and misses nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final

from chatr.adapters.http.stream.batches import Batch, Channel
from chatr.adapters.http.stream.chunks import encode_frames
from chatr.adapters.http.stream.dropped_watchers import DroppedWatchers
from chatr.adapters.http.stream.evictions import (
    LOG_REPLACED,
    READING_NEEDS_KEY,
    SERVER_STOPPED,
    STALLED,
    TOO_MUCH_WAITING,
)
from chatr.adapters.http.stream.few_per_iteration import a_few_per_iteration
from chatr.adapters.http.stream.lagging_watcher import LaggingWatcher
from chatr.adapters.http.stream.watcher import Watcher
from chatr.adapters.http.stream.write_schedule import PAUSE_FACTOR, WATCHERS_PER_SLICE, WriteSchedule

# Without a blank line, which would end a block that has no data.
COMMENT: Final = b":\n"
"""Clients ignore it. It shows them, and every proxy in between, that the stream is alive."""
# 200 messages of 1.2 kB to 1,000 watchers, which other nodes may post at once, took 140 ms in one iteration.
MAX_SLICE_BYTES: Final = 16 * 1024 * 1024
"""Bytes that are written in one iteration of the loop, to all watchers of the slice together: about 10 ms."""


class Hub:
    """The watchers, and the frames that are to be written to them. Intervals are in seconds.

    Frames are pending until they are put into a batch: at the start of a round, or when a watcher joins. The recipients
    of a batch are fixed then. A watcher that joins has everything that was published so far in its backlog, and is no
    recipient of the batches made before. So it may join while a batch has been written to some watchers only.
    """

    def __init__(
        self,
        *,
        stall_timeout: float = 30.0,
        comment_interval: float = 15.0,  # proxies close a connection that is silent for long, nginx after 60 s
        watchers_per_slice: int = WATCHERS_PER_SLICE,
        pause_factor: float = PAUSE_FACTOR,
    ) -> None:
        self._lagging: dict[LaggingWatcher, None] = {}
        self._all, self._removed, self._presence = Channel(), Channel(), Channel()
        self._batches: deque[Batch] = deque()
        self._schedule = WriteSchedule(self, pause_factor)
        self._watchers_per_slice = watchers_per_slice
        self._stall_timeout = stall_timeout
        self._comment_interval = comment_interval
        self._comment = encode_frames(COMMENT)
        self._published_at = 0.0
        self._emptied = asyncio.Event()
        self._dropped = DroppedWatchers()

    def __len__(self) -> int:
        """Return the number of watchers, with those that are behind."""
        return len(self._all.watchers) + len(self._lagging)

    @property
    def live(self) -> int:
        """The number of watchers that are not behind."""
        return len(self._all.watchers)

    @property
    def behind(self) -> int:
        """The number of watchers that are behind."""
        return len(self._lagging)

    @property
    def evictions(self) -> Mapping[str, int]:
        """How many watchers were dropped, by reason."""
        return self._dropped.counts

    @property
    def has_presence_watchers(self) -> bool:
        """Whether any watcher is sent presence frames."""
        return bool(self._presence.watchers)

    @property
    def has_removal_watchers(self) -> bool:
        """Whether any watcher is sent removed frames as they are published."""
        return bool(self._removed.watchers)

    def join(self, watcher: Watcher, backlog: bytes) -> None:
        """Write the backlog to a new watcher, and let live frames follow.

        Nothing may be awaited between reading the room for the backlog and this call, or frames would be missed.
        """
        self._make_batches()
        watcher.write_backlog(backlog)
        self._all.watchers[watcher] = None
        if watcher.wants_presence:
            self._presence.watchers[watcher] = None
        if watcher.wants_removed:
            self._removed.watchers[watcher] = None

    def follow(self, watcher: LaggingWatcher) -> None:
        """Look after a watcher that is behind. It gets no live frames until it has become one that joins."""
        self._lagging[watcher] = None

    def leave(self, watcher: Watcher | LaggingWatcher) -> None:
        """Forget a watcher, if it is known."""
        if isinstance(watcher, LaggingWatcher):
            self._lagging.pop(watcher, None)
        else:
            self._all.watchers.pop(watcher, None)
            self._presence.watchers.pop(watcher, None)
            self._removed.watchers.pop(watcher, None)
        if not len(self):
            self._emptied.set()

    def dropped(self) -> None:
        """Count a watcher that was dropped because too much waited for it."""
        self._dropped.counts[TOO_MUCH_WAITING] += 1

    def publish(self, frames: Iterable[bytes]) -> None:
        """Publish frames to all watchers. They are written soon, together with all that is published until then."""
        self._all.pending.extend(frames)
        self._schedule.request()

    def publish_presence(self, frames: Iterable[bytes]) -> None:
        """Publish frames to the watchers that want presence, after those for all watchers."""
        self._presence.pending.extend(frames)
        self._schedule.request()

    def publish_removed(self, frames: Iterable[bytes]) -> None:
        """Publish frames to the watchers that want to know of removed messages, before what is published later."""
        # What was published before may be the message itself.
        self._make_batches()
        self._removed.pending.extend(frames)
        self._schedule.request()

    def withdraw(self, is_withdrawn: Callable[[bytes], bool]) -> None:
        """Drop frames for all watchers that are still pending. Those in a batch are sent: some watchers have them."""
        self._all.pending = [frame for frame in self._all.pending if not is_withdrawn(frame)]

    def flush(self) -> None:
        """Write everything to all watchers before returning."""
        self._make_batches()
        while self._batches:
            self.write_slice()

    def start_round(self) -> bool:
        """Put pending frames into batches. Return whether several frames, or batches of them, were waiting."""
        several = len(self._batches) + len(self._all.pending) > 1
        self._make_batches()
        return several

    def write_slice(self) -> bool:
        """Write the oldest batch to its next recipients. Return whether there is more to write."""
        if self._batches:
            batch = self._batches[0]
            most = min(self._watchers_per_slice, MAX_SLICE_BYTES // len(batch.frames.chunked) + 1)
            # A batch of long frames goes to fewer watchers at a time: copying it must not hold up the loop either.
            recipients = list(islice(batch.recipients, most))
            for watcher in recipients:
                watcher.write(batch.frames)
            if len(recipients) < most:
                self._batches.popleft()
        return bool(self._batches)

    def has_pending(self) -> bool:
        """Return whether there are frames that are in no batch yet."""
        return bool(self._all.pending or self._presence.pending or self._removed.pending)

    def _make_batches(self) -> None:
        if self._all.pending:
            # Presence frames do not count: the watchers that get none of them still need a comment after a silence.
            self._published_at = asyncio.get_running_loop().time()
        # A client that resumes from a message is not told again what was removed before it: that comes first.
        for channel in (self._removed, self._all, self._presence):
            if channel.pending:
                self._batches.append(channel.take_batch())

    def drop_all(self, reason: str = LOG_REPLACED) -> None:
        """Drop all watchers for this reason. They reconnect, and learn then whether their last id is still valid.

        Their connections are aborted in several iterations of the loop. They are forgotten at once: a watcher that
        joins now must not find them, or PresenceFeed would compare with who was online in the old room.
        """
        dropped: list[Watcher | LaggingWatcher] = [*self._all.watchers, *self._lagging]
        for watchers in (self._all.watchers, self._presence.watchers, self._removed.watchers, self._lagging):
            watchers.clear()
        self._emptied.set()
        self._dropped.add(dropped, reason)

    async def tick(self) -> None:
        """Publish a comment after a silence, and drop the watchers that read nothing. To be called every second."""
        now = asyncio.get_running_loop().time()
        # Any frame for all watchers has shown already that the stream is alive.
        if now - self._published_at >= self._comment_interval:
            self.publish([COMMENT])
        dropped = 0
        async for lagging in a_few_per_iteration(self._lagging):
            lagging.keep_alive(now, self._comment_interval, self._comment)
            dropped += self._abort_if_stalled(lagging, now)
        async for watcher in a_few_per_iteration(self._all.watchers):
            dropped += self._abort_if_stalled(watcher, now)
        self._dropped.count(STALLED, dropped)

    async def drop_readers(self, may_read: Callable[[str | None], bool]) -> None:
        """Drop the watchers that may no longer read: the room became private, or their key is void."""
        dropped: list[Watcher | LaggingWatcher] = []
        dropped += [each async for each in a_few_per_iteration(self._lagging) if not may_read(each.reader)]
        dropped += [each async for each in a_few_per_iteration(self._all.watchers) if not may_read(each.reader)]
        self._dropped.add(dropped, READING_NEEDS_KEY)

    def _abort_if_stalled(self, watcher: Watcher | LaggingWatcher, now: float) -> bool:
        stalled = watcher.is_stalled(now, self._stall_timeout)
        if stalled:
            watcher.abort(STALLED)
        return stalled

    async def close(self, closing_frame: Callable[[], bytes], *, timeout: float = 1.0) -> None:
        """End every stream with a closing frame. Drop the watchers that have not read it within `timeout` seconds."""
        self._make_batches()
        while self.write_slice():  # noqa: ASYNC110 -- a step of work, not a wait
            await asyncio.sleep(0)
        self._emptied.clear()
        # Those that are behind come first: one that catches up meanwhile is among the others then.
        async for lagging in a_few_per_iteration(self._lagging):
            lagging.end(encode_frames(closing_frame()))
        async for watcher in a_few_per_iteration(self._all.watchers):
            watcher.end(encode_frames(closing_frame()))
        try:
            # Without watchers nothing would set the event.
            async with asyncio.timeout(timeout if len(self) else 0):
                await self._emptied.wait()
        except TimeoutError:
            self.drop_all(SERVER_STOPPED)
        await self._dropped.wait_until_aborted()
