"""Waits for messages that are addressed to the agent: those that mention it and those that reply to it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from attrs import define, field

from chatr.client import Room
from chatr.wire import Message

CHECK_IN_EVERY: Final = 300.0
"""Seconds after which the room is asked in any case. It also keeps the agent online."""
CATCH_UP_PAUSE: Final = 0.5
"""Seconds between two check-ins at a node that has not read as far as the one that sends the stream."""


@define(eq=False)
class PossiblyAddressed:
    """Knows the newest message of the stream that may be addressed to the agent. Check-ins tell whether it is."""

    newest: int = 0
    _changed: asyncio.Event = field(factory=asyncio.Event)

    async def follow(self, room: Room, after: str) -> None:
        """Read the stream for ever. Raises RoomError if the room rejects that."""
        try:
            async for message in room.follow(after, stay_online=True):
                # A reply may be to somebody else; only the room knows.
                if message.mentions or message.reply_to:
                    self.newest = int(message.id)
                    self._changed.set()
        finally:
            self._changed.set()

    async def wait_after(self, cursor: str) -> None:
        """Wait until a check-in may have more than the one that returned this cursor, or it is time for the next."""
        if self.newest > position_of(cursor):
            await asyncio.sleep(CATCH_UP_PAUSE)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), CHECK_IN_EVERY)
        self._changed.clear()


def position_of(cursor: str) -> int:
    """Return the position in the log of a cursor such as 1043-77b0e2d4."""
    return int(cursor.partition("-")[0])


@asynccontextmanager
async def possibly_addressed(room: Room, after: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Follow the stream after a cursor during the block. Yields `wait_after`, which raises the RoomError of the stream.

    The stream is read in a task that cancels nothing: a command that runs for a message is not to be interrupted.
    """
    newest = PossiblyAddressed()
    following = asyncio.create_task(newest.follow(room, after))

    async def wait_after(cursor: str) -> None:
        await newest.wait_after(cursor)
        if following.done():
            following.result()

    try:
        yield wait_after
    finally:
        following.cancel()
        await asyncio.wait([following])


async def addressed_messages(room: Room) -> AsyncGenerator[Message]:
    """Yield each message that is addressed to the agent, for ever, and acknowledge it when the next one is asked for.

    A message that was yielded and not acknowledged when the program ended is yielded again. Raises RoomError.
    """
    # The cursor of the first check-in is where the stream begins, so nothing is missed in between.
    found = await room.check_in(limit=1)
    async with possibly_addressed(room, found.cursor) as wait_after:
        while True:
            for message in found.addressed:
                yield message
            ack = found.cursor
            # The acknowledgement comes with the question for the next one: one request for each message.
            found = await room.check_in(ack, limit=1)
            while not (found.addressed or found.has_more):
                await wait_after(found.cursor)
                # It passes what others said to others, which costs no record.
                found = await room.check_in(found.cursor, limit=1)
