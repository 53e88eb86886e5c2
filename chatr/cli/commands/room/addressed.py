"""Waits for messages that are addressed to the agent: those that mention it and those that reply to it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from attrs import define, field

from chatr.client import Room
from chatr.wire import Message

CHECK_IN_EVERY: Final = 300.0
"""Seconds between two check-ins if the stream has nothing. They also keep the agent online."""
CATCH_UP_PAUSE: Final = 0.5
"""Seconds between two check-ins at a node that lags behind the node that sends the stream."""


@define(eq=False)
class PossiblyAddressed:
    """The id of the newest message in the stream that may be addressed to the agent. A check-in tells if it is."""

    newest: int = 0
    _changed: asyncio.Event = field(factory=asyncio.Event)

    async def follow(self, room: Room, after: str) -> None:
        """Read the stream for ever. Raises RoomError if the room rejects it."""
        try:
            async for message in room.follow(after, stay_online=True):
                # The stream does not say who wrote the message that a reply answers.
                if message.mentions or message.reply_to:
                    self.newest = int(message.id)
                    self._changed.set()
        finally:
            self._changed.set()

    async def wait_after(self, cursor: str) -> None:
        """Wait until a check-in may return more than the one with this cursor, for CHECK_IN_EVERY seconds at most."""
        if self.newest > position_of(cursor):
            await asyncio.sleep(CATCH_UP_PAUSE)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), CHECK_IN_EVERY)
        self._changed.clear()


def position_of(cursor: str) -> int:
    """Return the log position in a cursor: 1043 for "1043-77b0e2d4"."""
    return int(cursor.partition("-")[0])


@asynccontextmanager
async def possibly_addressed(room: Room, after: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Follow the stream after a cursor during the block. Yields `PossiblyAddressed.wait_after`.

    An error of the stream is raised by the next `wait_after`, and not in the block: a command that runs for a message
    must not be interrupted.
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
    """Yield each message that is addressed to the agent, for ever, and acknowledge it when the next one is requested.

    A message that was not acknowledged when the program ended is yielded again. Raises RoomError.
    """
    # The stream begins at the cursor of the first check-in, so no message is missed in between.
    found = await room.check_in(limit=1)
    async with possibly_addressed(room, found.cursor) as wait_after:
        while True:
            for message in found.addressed:
                yield message
            ack = found.cursor
            # One request acknowledges a message and asks for the next one.
            found = await room.check_in(ack, limit=1)
            while not (found.addressed or found.has_more):
                await wait_after(found.cursor)
                # This acknowledges only messages that are not addressed to the agent, which stores no record by itself.
                found = await room.check_in(found.cursor, limit=1)
