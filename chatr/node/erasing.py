"""Carry out erasures: the log and the files of this node let go of the texts that erasing records name.

Every node does that for every erasing record that it folds, and for all of them at each start, so that it is done
wherever a process may have been killed.
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
from chatr.ports import EventLog, LogUnavailable, Stored

PICKED: Final = 100
"""Records that are read at a time: the most that a log returns."""
ERASURES_PICKED: Final = 20
"""Erasing records that are read at a time. To decode one that names a thousand messages takes 0.2 ms."""
REMOVALS_IN_STEP: Final = 10_000
"""Hidden messages that are looked at in one iteration of the event loop, about a millisecond."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds until something that failed is tried again. The pause is doubled each time."""

Report = Callable[[str], object]
"""Is called with a sentence about what is not clean yet."""

logger = structlog.get_logger()


def ignore_report(_sentence: str) -> None:
    """Do nothing: the default of `Report` parameters."""


class TextFile(Protocol):
    """A file of this node that may hold texts of messages."""

    def outdate(self) -> None:
        """Texts were erased in the room that the file may hold."""
        ...

    async def renew(self, room: Room) -> None:
        """Write or remove the file so that it holds no erased text. Does nothing if it is clean. Raises OSError."""
        ...


class MoreToErase(Exception):
    """Other texts have to be erased while the log waits until nobody reads its files."""


class Erasing:
    """Erases what erasing records name, in the background. Fulfils `chatr.node.follower.Listener`."""

    def __init__(self, log: EventLog, files: Sequence[TextFile] = (), first_pause: float = FIRST_PAUSE) -> None:
        """`first_pause`: seconds until what failed is tried again."""
        self._log = log
        self._files = files
        self._first_pause = first_pause
        self._room = Room()
        # Positions of erasing records, in a dict as an ordered set.
        self._erasures: dict[int, None] = {}
        self._obstacles: dict[object, str] = {}
        self._is_reported = False
        self._reports: list[Report] = []
        self._work_arrived = asyncio.Event()
        self._clean = asyncio.Event()

    @property
    def is_clean(self) -> bool:
        """Whether all erasures that this node has folded are carried out. Not before `run` was called."""
        return self._clean.is_set()

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Carry out the erasing records among `records`."""
        erasures = [record.position for record in records if isinstance(record.event, RecordsErased)]
        if erasures:
            self._add(room, erasures)

    def room_replaced(self, room: Room) -> None:
        """Carry out the erasing records of the new log."""
        # Another dict: a round that is under way removes what it has done from the old one.
        self._erasures = {}
        self._add(room, erasures_of(list(room.history.removals.by_message.values())))

    def _add(self, room: Room, erasures: Iterable[int]) -> None:
        self._room = room
        self._erasures.update(dict.fromkeys(erasures))
        for file in self._files:
            file.outdate()
        self._clean.clear()
        self._work_arrived.set()

    async def wait_until_clean(self, report: Report = ignore_report) -> None:
        """Return when all erasures that this node has folded are carried out.

        `report` is called with a sentence each time that something is not clean yet and is tried again.
        """
        for sentence in self._obstacles.values():
            report(sentence)
        self._reports.append(report)
        try:
            await self._clean.wait()
        finally:
            self._reports.remove(report)

    async def run(self, room: Room) -> None:
        """Carry out all erasures of the room, and then those that are folded, for ever."""
        self._room = room
        removals = iter(list(room.history.removals.by_message.values()))
        # After a restart the log may hold a million of them, and the node serves meanwhile.
        while self._room is room and (step := list(islice(removals, REMOVALS_IN_STEP))):
            self._erasures.update(dict.fromkeys(erasures_of(step)))
            await asyncio.sleep(0)
        # If the log is replaced, the texts of this room could not be erased: it must not be held here for ever.
        del room, removals
        while True:
            await self._carry_out()
            if self._is_reported:
                logger.info("erasure_completed")
            self._is_reported = False
            self._clean.set()
            await self._work_arrived.wait()

    async def _carry_out(self) -> None:
        """Try until the log and the files are clean."""
        pause, is_done = self._first_pause, False
        while not is_done:
            self._work_arrived.clear()
            renewals = [self._attempt(file, partial(file.renew, self._room)) for file in self._files]
            # Together: the log may have to wait for a reader for hours.
            is_done = all(await asyncio.gather(self._attempt(self._log, self._erase_texts), *renewals))
            if self._work_arrived.is_set():
                is_done = False
            elif not is_done:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _attempt(self, place: object, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work in a log or file, and return whether it succeeded. If not, the reason is reported."""
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
            texts = [
                text
                for start in range(0, len(positions), ERASURES_PICKED)
                for text in await self._texts_named_by(positions[start : start + ERASURES_PICKED])
            ]
            if texts:
                await self._check_log_of(room)
            # These records are empty already if others are to be erased, too: the next call removes the copies of all.
            with suppress(MoreToErase):
                # Also if no record has its text: a process that was killed may have left copies in the log's files.
                await self._log.erase(texts, partial(self._wait_for_readers, len(positions)))
        for position in positions:
            del erasures[position]

    async def _check_log_of(self, room: Room) -> None:
        """Raise LogUnavailable if the log does not hold the last record of the room: an older copy took its place."""
        # The records that erase the texts may be missing there, and they would be lost without a trace.
        cursor = room.cursor
        if cursor and [each.cursor for each in await self._log.pick([cursor.position])] != [cursor]:
            raise LogUnavailable("the log was replaced and is being read again")

    async def _texts_named_by(self, erasures: Sequence[int]) -> list[int]:
        """The positions of records that these erasing records name and that are not empty. Raises LogUnavailable."""
        # Read from the log: if another one was put in its place, no erasing record of the old one is in it.
        events = [decode(stored).event for stored in await self._log.pick(erasures)]
        named = [each for event in events if isinstance(event, RecordsErased) for each in event.records]
        found: list[int] = []
        for start in range(0, len(named), PICKED):
            found.extend(await self._with_text(named[start : start + PICKED]))
        return found

    async def _with_text(self, named: Sequence[ErasedRecord]) -> list[int]:
        """Those of the records that are not empty. Raises LogUnavailable."""
        # Nothing but messages of the room may be erased, whatever a record says that no rule has allowed.
        messages = [each for each in named if self._room.rule_context.is_message(each.position)]
        picked = await self._log.pick([each.position for each in messages])
        return [stored.position for stored, each in zip(picked, messages, strict=True) if must_be_erased(stored, each)]

    def _wait_for_readers(self, known: int, sentence: str) -> None:
        """Report why the log waits. Raises MoreToErase if more is to be erased than the log was told."""
        if len(self._erasures) != known:
            raise MoreToErase
        self._report(self._log, sentence)


def erasures_of(removals: Iterable[Removal]) -> Iterable[int]:
    """The positions of the records that erased the texts of hidden messages."""
    return (removal.position for removal in removals if removal.erased)


def must_be_erased(stored: Stored, named: ErasedRecord) -> bool:
    """Whether the record is the message that an erasing record names, and still has its text."""
    if stored.is_erased or stored.type != MESSAGE_TYPE:
        return False
    is_the_one = stored.rest_hash.hex() == named.rest
    if not is_the_one:
        logger.error("erasure_names_another_record", position=stored.position)
    return is_the_one
