"""Integrity: how far a node has checked the hashes of the log's records, and which of them was altered."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog
from attrs import evolve

from chatr.codec import MESSAGE_TYPE, decode
from chatr.domain.chain import ChainPoint
from chatr.domain.events import MessagePosted, Record
from chatr.domain.history import History
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.room import Room
from chatr.fold import fold
from chatr.ports import LogReader, RecordMissing, Stored

ALTERED_TEXT: Final = "[altered]"
"""The content of a message whose record does not match its hash: what was posted is not known."""

POINT_INTERVAL: Final = 1_000
"""Records between two points of the chain that are remembered, to say where it broke: 150 bytes each."""

logger = structlog.get_logger()


class Integrity:
    """What the follower, the message reader and the scrubber of a node have found out about one log.

    `altered` is the first position at which a record is missing or not as it was stored, None if there is none. A
    record that was repaired is forgotten when the scrubber has read the whole log again.
    """

    def __init__(self) -> None:
        self.altered: int | None = None
        self._found: int | None = None
        """The first position that was reported since the scrubber began to read the log."""
        self._scrubbed_to = 0
        self._folded_to = 0
        self._unchecked_to: int | None = None
        """The last record that was folded without a check; None while such records are folded."""
        self._unchecked_messages: deque[Stored] = deque(maxlen=MESSAGES_IN_MEMORY)
        self._chain_points: list[ChainPoint] = []
        self._last_hash: bytes | None = None
        """The hash of the record that this process folded last."""

    @property
    def verified_to(self) -> int:
        """The position up to which every record was checked: it matches its hash, or has no text."""
        all_checked = self._unchecked_to is not None and self._scrubbed_to >= self._unchecked_to
        reached = self._folded_to if all_checked else self._scrubbed_to
        return reached if self.altered is None else min(reached, self.altered - 1)

    def chain_points(self, room: Room) -> list[ChainPoint]:
        """Points of the chain as it was folded, about every POINT_INTERVAL records; the last one is that of `room`."""
        return [*self._chain_points, room.chain_point]

    async def still_holds_last_record(self, log: LogReader, room: Room) -> bool:
        """Whether `log` still holds the record that was folded last.

        False: another log took its place, such as a restored backup. The follower notices that, too, but perhaps later,
        when its store is available again. Raises LogUnavailable.
        """
        cursor, last_hash = room.cursor, self._last_hash
        try:
            (found,) = await log.pick([room.position])
        except RecordMissing:
            return False
        # An altered record differs in its id or in its hash, hardly in both; a record of another log differs in both.
        return found.cursor == cursor or found.record_hash == last_hash

    def fold(self, room: Room, batch: Sequence[Stored]) -> list[Record]:
        """Fold a batch as `chatr.fold.fold` does, and check it unless it is part of what a start reads.

        What is altered is reported, and folded without its text. Raises UnreadableRecord or OutOfOrderError.
        """
        if self._unchecked_to is None:
            records = self._fold_unchecked(room, batch)
        else:
            records = fold(room, batch, self._checked)
            self._folded_to = room.position
        # The room holds only the record's id. `still_holds_last_record` needs the hash, too.
        self._last_hash = batch[-1].record_hash
        if room.position >= POINT_INTERVAL + (self._chain_points[-1].position if self._chain_points else 0):
            self._chain_points.append(room.chain_point)
        return records

    def _fold_unchecked(self, room: Room, batch: Sequence[Stored]) -> list[Record]:
        # Checking would take a seventh of a long start. The scrubber does it later, and `check_from_now_on` for the
        # newest messages, before anybody is shown one.
        self._unchecked_messages.extend([stored for stored in batch if stored.type == MESSAGE_TYPE])
        return fold(room, batch)

    def check_from_now_on(self, room: Room) -> None:
        """Check every record that is folded after this call, and the messages that `room` has in memory."""
        if self._unchecked_to is None:
            self._unchecked_to = self._folded_to = room.position
        for stored in self._unchecked_messages:
            if not stored.is_intact:
                replace_in_memory(room.history, self._checked(stored, decode(stored)))
        self._unchecked_messages.clear()

    def log_replaced(self) -> None:
        """Forget what was found in a log that was replaced. The new one is checked while it is folded."""
        self.altered = self._last_hash = self._found = None
        self._scrubbed_to = self._folded_to = self._unchecked_to = 0
        self._unchecked_messages.clear()
        self._chain_points.clear()

    def scrubbed(self, position: int) -> None:
        """The records up to `position` were read again, and checked."""
        self._scrubbed_to = max(self._scrubbed_to, position)

    def report(self, position: int, reason: str = "its record does not match its hash") -> None:
        """The record at `position` is not as it was stored. Logged when it is the first one."""
        self._found = position if self._found is None else min(position, self._found)
        if self.altered is None or position < self.altered:
            self.altered = position
            logger.error("log_altered", position=position, reason=reason, next="run chatr audit")

    def end_of_log_reached(self) -> None:
        """Forget what was reported before the scrubber began to read the log, unless that was found again."""
        if self.altered is not None and self._found is None:
            logger.info("log_repaired", position=self.altered)
        self.altered, self._found = self._found, None

    def _checked(self, stored: Stored, record: Record) -> Record:
        """The record as it was decoded. One that was altered is reported, and loses its text."""
        if stored.is_intact:
            return record
        self.report(stored.position)
        return without_text(record)


def without_text(record: Record) -> Record:
    """The record of a message with ALTERED_TEXT as its content; any other record as it is."""
    if not isinstance(record.event, MessagePosted):
        return record
    return evolve(record, event=evolve(record.event, content=ALTERED_TEXT))


def replace_in_memory(history: History, record: Record) -> None:
    """Put `record` in the place of the message at its position, if that is in memory."""
    found = history.record_at(record.position)
    if found is not None:
        history.newest[history.newest.index(found)] = record
