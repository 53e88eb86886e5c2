"""Carry out erasures: remove the texts that erasing records name from the log and from the files of this node.

Every node does that for every erasing record that it folds, and for all of them again at each start: a process may have
been killed before it had erased everything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Final, Protocol

import structlog

from chatr.codec import MESSAGE_TYPE, decode
from chatr.domain.events import Record
from chatr.domain.moderation_events import ErasedRecord, RecordsErased
from chatr.domain.removals import Removal
from chatr.domain.room import Room
from chatr.ports import MAX_PICK, EventLog, LogUnavailable, Stored

ERASURES_PER_READ: Final = 20
"""Erasing records that are read at a time. To decode one that names a thousand messages takes 0.2 ms."""
REMOVALS_IN_STEP: Final = 10_000
"""Hidden messages that are examined in one iteration of the event loop, which takes about a millisecond."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds until something that failed is tried again. The pause is doubled each time."""

Report = Callable[[str], object]
"""Is called with a sentence that says what still holds erased texts, and why."""

logger = structlog.get_logger()


def ignore_report(_sentence: str) -> None:
    """Do nothing: the default of `Report` parameters."""


class TextFile(Protocol):
    """A file of this node that may hold texts of messages."""

    def mark_outdated(self) -> None:
        """Remember that the file may hold texts that were erased from the room."""
        ...

    async def remove_erased_texts(self, room: Room) -> None:
        """Write the file again from `room`, or remove it, if it may hold erased texts. Raises OSError."""
        ...


class MoreToErase(Exception):
    """Other erasing records were folded while the log waits until nobody reads its files: their texts come first."""


class Erasing:
    """Erases the texts that erasing records name, in the background. Implements `chatr.node.follower.Listener`."""

    def __init__(self, log: EventLog, files: Sequence[TextFile] = (), first_pause: float = FIRST_PAUSE) -> None:
        """`first_pause`: seconds between the first attempt that failed and the next one."""
        self._log = log
        self._files = files
        self._first_pause = first_pause
        self._room = Room()
        # Positions of erasing records, in a dict as an ordered set.
        self._erasures: dict[int, None] = {}
        # For the log and each file from which texts could not be removed: why, until an attempt succeeds.
        self._obstacles: dict[object, str] = {}
        self._is_reported = False
        self._reports: list[Report] = []
        self._work_arrived = asyncio.Event()
        self._clean = asyncio.Event()

    @property
    def is_clean(self) -> bool:
        """Whether this node has carried out all erasures that it has folded.

        False until the first pass of `run` has ended.
        """
        return self._clean.is_set()

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Schedule the erasing records among `records`: `run` carries them out."""
        erasures = [record.position for record in records if isinstance(record.event, RecordsErased)]
        if erasures:
            self._add(room, erasures)

    def room_replaced(self, room: Room) -> None:
        """Schedule the erasing records of the new log: `run` carries them out."""
        # A new dict: a pass that is under way still removes the positions that it has carried out from the old one.
        self._erasures = {}
        self._add(room, erasures_of(list(room.history.removals.by_message.values())))

    def _add(self, room: Room, erasures: Iterable[int]) -> None:
        self._room = room
        self._erasures.update(dict.fromkeys(erasures))
        for file in self._files:
            file.mark_outdated()
        self._clean.clear()
        self._work_arrived.set()

    async def wait_until_clean(self, report: Report = ignore_report) -> None:
        """Return when all erasures that this node has folded are carried out.

        `report` is called with a sentence for each attempt that failed, and while the log waits.
        """
        for sentence in self._obstacles.values():
            report(sentence)
        self._reports.append(report)
        try:
            await self._clean.wait()
        finally:
            self._reports.remove(report)

    async def run(self, room: Room) -> None:
        """Carry out all erasures of the room, and then those that are folded later. Never returns."""
        self._room = room
        removals = iter(list(room.history.removals.by_message.values()))
        # There may be a million of them, and the node serves requests meanwhile.
        while self._room is room and (step := list(islice(removals, REMOVALS_IN_STEP))):
            self._erasures.update(dict.fromkeys(erasures_of(step)))
            await asyncio.sleep(0)
        # This coroutine never ends. Holding `room` would keep the texts of a replaced log in memory.
        del room, removals
        while True:
            await self._carry_out()
            if self._is_reported:
                logger.info("erasure_completed")
            self._is_reported = False
            self._clean.set()
            await self._work_arrived.wait()

    async def _carry_out(self) -> None:
        """Try again and again until neither the log nor a file holds an erased text."""
        pause, is_done = self._first_pause, False
        while not is_done:
            self._work_arrived.clear()
            file_attempts = [self._attempt(file, partial(file.remove_erased_texts, self._room)) for file in self._files]
            # At the same time: the log may have to wait for a reader for hours.
            is_done = all(await asyncio.gather(self._attempt(self._log, self._erase_texts), *file_attempts))
            if self._work_arrived.is_set():
                is_done = False
            elif not is_done:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _attempt(self, place: object, work: Callable[[], Awaitable[None]]) -> bool:
        """Do `work` on `place`, the log or a file, and return whether it succeeded. If not, the reason is reported."""
        try:
            await work()
        except (LogUnavailable, OSError) as error:
            self._report(place, f"Not everything is erased yet: {str(error).rstrip('.')}.")
            return False
        self._obstacles.pop(place, None)
        return True

    def _report(self, place: object, sentence: str) -> None:
        if self._obstacles.get(place) != sentence:
            logger.warning("erasure_incomplete", reason=sentence)
        self._obstacles[place], self._is_reported = sentence, True
        for report in self._reports:
            report(sentence)

    async def _erase_texts(self) -> None:
        """Empty the records in the log that erasing records name. Raises LogUnavailable."""
        erasures, room = self._erasures, self._room
        positions = list(erasures)
        if positions:
            with_text = [
                position
                for start in range(0, len(positions), ERASURES_PER_READ)
                for position in await self._positions_named_by(positions[start : start + ERASURES_PER_READ])
            ]
            if with_text:
                await self._check_log_of(room)
            # On MoreToErase these records are empty already. The next call removes their copies with those of others.
            with suppress(MoreToErase):
                # Also if no record has its text: a process that was killed may have left copies in the log's files.
                await self._log.erase(with_text, partial(self._report_wait, len(positions)))
        for position in positions:
            del erasures[position]

    async def _check_log_of(self, room: Room) -> None:
        """Raise LogUnavailable if the log does not hold the last record of the room: an older copy took its place."""
        # The erasing records may be missing there: the texts would be gone, and no record would say why.
        cursor = room.cursor
        if cursor and [each.cursor for each in await self._log.pick([cursor.position])] != [cursor]:
            raise LogUnavailable("the log was replaced and is being read again")

    async def _positions_named_by(self, erasures: Sequence[int]) -> list[int]:
        """The positions of records that these erasing records name and that are not empty. Raises LogUnavailable."""
        # Read from the log: if another one was put in its place, no erasing record of the old one is in it.
        events = [decode(stored).event for stored in await self._log.pick(erasures)]
        named = [each for event in events if isinstance(event, RecordsErased) for each in event.records]
        found: list[int] = []
        for start in range(0, len(named), MAX_PICK):
            found.extend(await self._positions_with_text(named[start : start + MAX_PICK]))
        return found

    async def _positions_with_text(self, named: Sequence[ErasedRecord]) -> list[int]:
        """The positions of those of the records that are not empty. Raises LogUnavailable."""
        # Only messages may be erased, even if an erasing record that was stored against the rules names other records.
        messages = [each for each in named if self._room.rule_context.is_message(each.position)]
        picked = await self._log.pick([each.position for each in messages])
        return [stored.position for stored, each in zip(picked, messages, strict=True) if must_be_erased(stored, each)]

    def _report_wait(self, known: int, sentence: str) -> None:
        """Report why the log waits. Raises MoreToErase if there are more erasing records than the `known` ones."""
        if len(self._erasures) != known:
            raise MoreToErase
        self._report(self._log, sentence)


def erasures_of(removals: Iterable[Removal]) -> Iterable[int]:
    """The positions of the records that erased the texts of hidden messages."""
    return (removal.position for removal in removals if removal.erased)


def must_be_erased(stored: Stored, named: ErasedRecord) -> bool:
    """Whether the record still has its text, and is the message that an erasing record names.

    Logs an error if it is another message.
    """
    if stored.is_erased or stored.type != MESSAGE_TYPE:
        return False
    is_the_one = stored.rest_hash.hex() == named.rest
    if not is_the_one:
        logger.error("erasure_names_another_record", position=stored.position)
    return is_the_one
