"""The scrubber: reads the whole log again and again in the background, and checks that no record was altered.

A start does not check what it folds, and a record may be altered long after it was folded. What the scrubber finds is
in the node's `integrity`; docs/decisions/integrity.md says what it cannot find.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import reduce
from time import process_time
from typing import Final

import structlog

from chatr.domain.chain import CHAIN_START, ChainPoint, next_chain_hash
from chatr.domain.room import Room
from chatr.node.follower import Follower
from chatr.ports import MAX_PICK, LogDamaged, LogReader, LogUnavailable, RecordMissing, Stored

BATCH: Final = MAX_PICK
"""Records that are read and checked at a time, which takes half a millisecond."""
IDLE_PER_BUSY: Final = 99
"""Seconds of rest for each second of CPU time: one percent of a core."""
REST_PER_PASS: Final = 3
"""After a pass the scrubber rests this many times as long as the pass took: it then uses a quarter of a percent."""

logger = structlog.get_logger()


class LogReplaced(Exception):
    """The follower reads another log now, or will soon, so what was read so far says nothing."""

    def __init__(self) -> None:
        super().__init__("the log was replaced")


class Scrubber:
    """Checks the records that `follower` has folded, as its log holds them now."""

    def __init__(
        self,
        log: LogReader,
        follower: Follower,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`sleep` waits for so many seconds."""
        self._log = log
        self._follower = follower
        self._integrity = follower.integrity
        self._sleep = sleep
        self._resumed_at = process_time()

    async def run(self) -> None:
        """Read the log for ever, and rest in between."""
        clock = asyncio.get_running_loop().time
        rest = least = self._follower.timeouts.scrub_pause
        while True:
            await self._pause(rest)
            began = clock()
            try:
                await self.scrub()
            except (LogReplaced, LogUnavailable) as error:
                logger.info("scrub_restarted", reason=str(error))
            except Exception:  # a bug here must not end the node, which is not needed for serving
                logger.exception("scrub_failed")
            rest = max(least, REST_PER_PASS * (clock() - began))

    async def scrub(self) -> None:
        """Check every record that is folded now, once. Raises LogReplaced or LogUnavailable."""
        room, before = self._follower.room, CHAIN_START
        for point in self._integrity.chain_points(room):
            chain_hash = await self._check_section(before, point.position, room)
            # None: an altered record of this section was reported already.
            if chain_hash not in (None, point.chain_hash):
                await self._check_not_replaced(room)
                moved = f"a record up to {point.position} was altered together with its hash, or moved"
                # Every record matches its own hash, so it is not known which one of the section was altered.
                self._integrity.report(before.position + 1, moved)
            before = point
        self._integrity.end_of_log_reached()

    async def _check_section(self, before: ChainPoint, end: int, room: Room) -> bytes | None:
        """Check the records after `before` up to `end`. Return the chain hash there, None if one of them was altered.

        Raises LogReplaced or LogUnavailable.
        """
        chain_hash: bytes | None = before.chain_hash
        for start in range(before.position + 1, end + 1, BATCH):
            positions = range(start, min(start + BATCH, end + 1))
            stored = await self._read_when_available(positions, room)
            altered = next((each for each in positions if not is_intact_in(stored, each)), None)
            if altered is not None:
                await self._check_not_replaced(room)
                self._integrity.report(altered)
                chain_hash = None
            elif chain_hash is not None:
                chain_hash = reduce(next_chain_hash, (stored[each].record_hash for each in positions), chain_hash)
            self._integrity.scrubbed(positions[-1])
            # Not held during the pause: the texts may have to be erased.
            del stored
            # CPU time that other tasks used meanwhile counts, too: the busier the node, the longer the scrubber rests.
            await self._pause(IDLE_PER_BUSY * (process_time() - self._resumed_at))
        return chain_hash

    async def _read_when_available(self, positions: Sequence[int], room: Room) -> dict[int, Stored]:
        """The records that the log holds at `positions`. Raises LogReplaced."""
        while True:
            try:
                stored = {each.position: each for each in await self._read(positions)}
            except LogUnavailable:
                await self._pause(self._follower.timeouts.scrub_pause)
                # The log may have been replaced while the store was away.
                self._check_room(room)
            else:
                self._check_room(room)
                return stored

    async def _read(self, positions: Sequence[int]) -> list[Stored]:
        """The records at `positions`, without those that are missing or cannot be read. Raises LogUnavailable."""
        try:
            return await self._log.pick(positions)
        except (RecordMissing, LogDamaged):
            # One bad record fails the whole batch: each is read alone then, to name exactly that one.
            if len(positions) == 1:
                return []
            return [each for position in positions for each in await self._read([position])]

    async def _check_not_replaced(self, room: Room) -> None:
        """Raise LogReplaced if the log is not that of `room` any longer. Raises LogUnavailable."""
        self._check_room(room)
        if not await self._integrity.still_holds_last_record(self._log, room):
            raise LogReplaced

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._resumed_at = process_time()

    def _check_room(self, room: Room) -> None:
        """Raise LogReplaced if the follower reads another log now than that of `room`."""
        if self._follower.room is not room or self._follower.is_rereading:
            raise LogReplaced


def is_intact_in(stored: Mapping[int, Stored], position: int) -> bool:
    """Whether the record at `position` is among those that were read, and as it was stored."""
    return position in stored and stored[position].is_intact
