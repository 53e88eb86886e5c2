"""Follows the stream of a room: yields each message once and in order, however often the connection is lost."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Final, TypeVar

from attrs import define, field
from msgspec import DecodeError, Raw, Struct, json

from chatr.client.closing import Closing
from chatr.client.errors import NoAnswer, RoomError
from chatr.client.event_stream import EventStreamParser, ServerSentEvent
from chatr.client.progress import Progress
from chatr.client.retries import LONGEST_PAUSE, Backoff, is_transient
from chatr.client.transport import Transport
from chatr.wire import Message, MessagesResponse, VisibilityChange

STABLE: Final = 60.0
"""Seconds after which a connection that is lost is not taken for one more failure in a row."""
HEARTBEAT_EVERY: Final = 300.0
"""Seconds. By default an agent stays online for 30 minutes after its last request."""
HEARTBEAT_TIMEOUT: Final = 10.0
SHORTEST_RETRY: Final = 0.01
"""Seconds. A pause of 0 would stay 0, however often it is doubled."""
NOTHING_YET: Final = "0"
"""The position before the first message."""
T = TypeVar("T")


class Frame(Struct):
    """What every event of the stream has. A newer room may send types that this version does not know."""

    type: str
    data: Raw


Pages = Callable[[str, str], Awaitable[MessagesResponse]]
"""Returns the first messages between two ids."""


@define(eq=False)
class Following(AsyncIterator[Message]):
    """An endless iterator over the messages of a room, in order and each of them once.

    It ends when the room is closed. It raises RoomError if the room rejects it for good, such as for a revoked key, and
    NoAnswer if there never was a stream within the time limit; once there was one, it reconnects for ever.

    `position` is where to go on after the last message that was yielded: pass it as `after` of a later `follow`.
    """

    _transport: Transport
    _pages: Pages
    _heartbeat: Callable[[], Awaitable[object]] | None
    _on_removed: Callable[[VisibilityChange], object] | None
    _progress: Progress
    _skips_history: bool
    position: str | None = None
    _backoff: Backoff = field(factory=Backoff)
    _opened_at: float | None = None
    _next_heartbeat: float = 0
    _closing: Closing = field(factory=Closing)
    _is_awaited: bool = False
    _messages: AsyncGenerator[tuple[Message, str]] = field(init=False)

    @_messages.default
    def _start(self) -> AsyncGenerator[tuple[Message, str]]:
        return self._follow()

    async def __anext__(self) -> Message:
        self._is_awaited = True
        try:
            message, self.position = await anext(self._messages)
        finally:
            self._is_awaited = False
        return message

    async def aclose(self) -> None:
        """End the iteration and close the connection, as cancelling the task that iterates does, too."""
        self._closing.close()
        if not self._is_awaited:  # else the iteration of another task ends now, and closes it
            await self._messages.aclose()

    async def _follow(self) -> AsyncGenerator[tuple[Message, str]]:
        """Yield each message with the position after it."""
        self._transport.closing.check()
        self._transport.closing.add(self._closing)
        try:
            async with aclosing(self._reconnecting()) as messages:
                async for message_and_position in messages:
                    yield message_and_position
        finally:
            self._transport.closing.remove(self._closing)

    async def _reconnecting(self) -> AsyncGenerator[tuple[Message, str]]:
        """Yield from one connection after the other."""
        deadline = self._now() + self._transport.time_limit
        while not self._closing.is_closed:
            failure: RoomError | None = None
            try:
                async with aclosing(self._connection()) as messages:
                    async for message_and_position in messages:
                        yield message_and_position
            except RoomError as error:
                failure = error
            if failure is not None and not self._closing.is_closed:
                self._raise_if_final(failure, deadline)
            with suppress(NoAnswer):  # it was closed meanwhile
                await self._closing.pause(self._next_pause(failure))

    def _raise_if_final(self, failure: RoomError, deadline: float) -> None:
        # A wrong address is not tried for ever, but whoever was connected once waits for the room to come back.
        is_given_up = self._opened_at is None and self._now() > deadline
        if is_given_up or not is_transient(failure):
            raise failure

    def _next_pause(self, failure: RoomError | None) -> float:
        if self._opened_at is not None and self._now() > self._opened_at + STABLE:
            self._backoff.failures = 0
        return self._backoff.next_pause(failure.retry_after if failure else None)

    async def _connection(self) -> AsyncGenerator[tuple[Message, str]]:
        """Yield what is new until the connection is lost."""
        parser = EventStreamParser(self._progress.cursor)
        query = {} if self._on_removed is None else {"events": "removed"}
        connected_at = self._now()
        async with self._transport.stream(query, self._progress.cursor, self._closing) as chunks:
            async for chunk in chunks.iter_any():
                for event in parser.feed(chunk):
                    self._opened_at = connected_at
                    if parser.retry is not None:
                        self._backoff.first = min(max(parser.retry, SHORTEST_RETRY), LONGEST_PAUSE)
                    await self._stay_online()
                    async for message_and_position in self._new_messages(event):
                        yield message_and_position

    async def _stay_online(self) -> None:
        """Send a heartbeat if it is time. The room sends totals every few seconds, so this runs as often."""
        if self._heartbeat is None or self._now() < self._next_heartbeat:
            return
        self._next_heartbeat = self._now() + HEARTBEAT_EVERY
        with suppress(RoomError, TimeoutError):
            async with asyncio.timeout(HEARTBEAT_TIMEOUT):
                await self._heartbeat()

    async def _new_messages(self, event: ServerSentEvent) -> AsyncGenerator[tuple[Message, str]]:
        """Yield what is new in one event. Types of a newer room are ignored."""
        frame = decoded(event.data.encode(), Frame)
        match frame.type:
            case "reset":
                self._progress.reset()
            case "history":
                messages = decoded(frame.data, list[Message])
                async for message_and_position in self._new_in_history(messages, event.last_id):
                    yield message_and_position
            case "message":
                message = decoded(frame.data, Message)
                if self._progress.take(message, event.last_id):
                    yield message, event.last_id or message.id
            case "removed" if self._on_removed is not None:
                self._on_removed(decoded(frame.data, VisibilityChange))

    async def _new_in_history(self, messages: Sequence[Message], cursor: str) -> AsyncGenerator[tuple[Message, str]]:
        if self._skips_history:
            self._skips_history = False
            self._progress.skip_history(messages, cursor)
            self.position = cursor or NOTHING_YET
            return
        while gap := self._progress.gap_before(messages):
            page = await self._pages(*gap)
            for message in page.messages:
                if self._progress.take(message, ""):
                    yield message, message.id
            if not page.has_more:
                break
        for message in self._progress.new_in(messages, cursor):
            yield message, cursor if message is messages[-1] and cursor else message.id

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def decoded(data: bytes | Raw, as_type: type[T]) -> T:
    """Decode a part of an event. Raises NoAnswer if it is something else."""
    try:
        return json.decode(data, type=as_type)
    except DecodeError as error:
        raise NoAnswer(f"The stream has sent what is no event of a room: {error}") from error
