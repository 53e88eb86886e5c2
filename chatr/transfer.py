"""A log moved to another store, byte for byte. Two logs with the same head hold the same records."""

import asyncio
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from chatr.domain.room import NO_HEAD, head_after
from chatr.past import Progress, batches, nowhere
from chatr.ports import Conflict, EventLog, LogReader, Stored, Unavailable, Unknown


class Differs(Exception):
    """Two logs that should be the same are not. The text is one sentence."""


@frozen
class Place:
    """A position, and the head of the log there."""

    position: int
    head: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.head.hex()}"

    def after(self, records: Sequence[Stored]) -> "Place":
        head = self.head
        for stored in records:
            head = head_after(head, stored.check)
        return Place(records[-1].position, head)


BEGINNING: Final = Place(0, NO_HEAD)


async def proved(log: LogReader, end: int, progress: Progress = nowhere) -> Place:
    """The place at `end`, up to which every record fits its check. Raises Differs."""
    place = BEGINNING
    async for batch in batches(log, until=end):
        prove(batch)
        place = place.after(batch)
        progress(place.position)
    return place


def prove(records: Sequence[Stored]) -> None:
    for stored in records:
        if stored.check != stored.check_after(stored.previous):
            raise Differs(f"Record {stored.position} does not fit its check: it was changed. See chatr audit.")


async def compare(ours: LogReader, theirs: LogReader, begin: Place, end: int, progress: Progress = nowhere) -> Place:
    """The place at `end`, up to which both logs hold the same from `begin` on. Raises Differs."""
    place = begin
    async for batch in batches(ours, begin.position, end):
        there = {each.position: each for each in await theirs.read(place.position, len(batch))}
        for each in batch:
            if there.get(each.position) != each:
                raise Differs(f"Record {each.position} is not the same in both logs: copy into a new one.")
        place = place.after(batch)
        progress(place.position)
    return place


async def move(source: LogReader, target: EventLog, after: int, end: int, progress: Progress = nowhere) -> None:
    """Append what the target lacks. Whenever this is killed, it can be done again. Raises Differs or Unavailable."""
    async for batch in batches(source, after, end):
        await append(target, batch)
        progress(batch[-1].position)


async def append(target: EventLog, records: Sequence[Stored]) -> None:
    """All at once, so that a store puts many into one commit; asked in order, they land in order."""
    prove(records)
    await asyncio.gather(*(append_one(target, stored) for stored in records))


async def append_one(target: EventLog, stored: Stored) -> None:
    try:
        landed = await target.append(stored.draft, expected=stored.previous)
    except Conflict:
        landed = None
    except (Unavailable, Unknown) as error:
        raise Unavailable(f"The target fails: {error}. Asked again, this goes on where it stopped.") from error
    if landed != stored:
        raise Differs(f"Record {stored.position} comes out otherwise in the target: use a new one.")
