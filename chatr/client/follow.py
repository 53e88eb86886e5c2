"""Follows the stream of a room: yields each message once and in order, also across reconnections."""

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
"""Seconds after which a connection counts as stable: losing it then starts again with the shortest pause."""
HEARTBEAT_EVERY: Final = 300.0
"""Seconds. By default an agent stays online for 30 minutes after its last request."""
HEARTBEAT_TIMEOUT: Final = 10.0
LONGEST_WAIT: Final = 600.0
"""Seconds. A proxy may send any Retry-After, and a stream that waits for days would seem to be quiet."""
SHORTEST_RETRY: Final = 0.01
"""Seconds. A pause of 0 would stay 0, however often it is doubled."""
BEFORE_FIRST: Final = "0"
"""The position before the first message."""
T = TypeVar("T")


class Frame(Struct):
    """The fields that every event of the stream has. A newer room may send types that are unknown here."""

    type: str
    data: Raw


Pages = Callable[[str, str], Awaitable[MessagesResponse]]
"""Returns the first messages between two ids."""


@define(eq=False)
class Following(AsyncIterator[Message]):
    """An endless iterator over the messages of a room, in order and each of them once.

    It ends when the `Room` is closed. It raises RoomError if the room rejects it permanently, such as for a revoked
    key, and NoAnswer if no connection succeeds within the time limit. After the first one it reconnects for ever.

    `position` is the position after the last message that was yielded: pass it as `after` to a later `follow`.
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
    _readers: int = 0
    _messages: AsyncGenerator[tuple[Message, str]] = field(init=False)

    @_messages.default
    def _start(self) -> AsyncGenerator[tuple[Message, str]]:
        return self._follow()

    async def __anext__(self) -> Message:
        self._readers += 1
        try:
            message, self.position = await anext(self._messages)
        finally:
            self._readers -= 1
        return message

    async def aclose(self) -> None:
        """End the iteration and close the connection. Cancelling the iterating task has the same effect."""
        self._closing.close()
        if not self._readers:  # otherwise the task that iterates closes the generator
            await self._messages.aclose()

    async def _follow(self) -> AsyncGenerator[tuple[Message, str]]:
        """Yield each message with the position after it, until this iterator or the room is closed."""
        self._transport.closing.check()
        self._transport.closing.add(self._closing)
        self._transport.iterators.add(self)
        try:
            async with aclosing(self._reconnecting()) as messages:
                async for message_and_position in messages:
                    yield message_and_position
        finally:
            self._transport.closing.remove(self._closing)

    async def _reconnecting(self) -> AsyncGenerator[tuple[Message, str]]:
        """Yield messages from one connection after another."""
        # Only for the first connection: see `_raise_if_final`.
        deadline = self._now() + self._transport.time_limit
        while not self._closing.is_closed:
            failure: RoomError | None = None
            try:
                async with aclosing(self._messages_of_connection()) as messages:
                    async for message_and_position in messages:
                        yield message_and_position
            except RoomError as error:
                failure = error
            if failure is not None and not self._closing.is_closed:
                self._raise_if_final(failure, deadline)
            with suppress(NoAnswer):  # closed during the pause
                await self._closing.pause(self._next_pause(failure))

    def _raise_if_final(self, failure: RoomError, deadline: float) -> None:
        # A wrong address is not tried for ever. After a first connection the address is known to be right.
        is_out_of_time = self._opened_at is None and self._now() > deadline
        if is_out_of_time or not is_transient(failure):
            raise failure
        self._transport.report_failure(failure)

    def _next_pause(self, failure: RoomError | None) -> float:
        if self._opened_at is not None and self._now() > self._opened_at + STABLE:
            self._backoff.failures = 0
        return min(LONGEST_WAIT, self._backoff.next_pause(failure.retry_after if failure else None))

    async def _messages_of_connection(self) -> AsyncGenerator[tuple[Message, str]]:
        """Open a connection and yield new messages until it is lost."""
        parser = EventStreamParser(self._progress.cursor)
        query = {} if self._on_removed is None else {"events": "removed"}
        connected_at = self._now()
        async with self._transport.stream(query, self._progress.cursor, self._closing) as chunks:
            async for chunk in chunks.iter_any():
                for event in parser.feed(chunk):
                    self._opened_at = connected_at
                    self._transport.report_answer()
                    if parser.retry is not None:
                        self._backoff.first = min(max(parser.retry, SHORTEST_RETRY), LONGEST_PAUSE)
                    await self._stay_online()
                    async with aclosing(self._new_messages(event)) as messages:
                        async for message_and_position in messages:
                            yield message_and_position

    async def _stay_online(self) -> None:
        """Send a heartbeat if it is due. This runs at each event, and the room sends totals every few seconds."""
        if self._heartbeat is None or self._now() < self._next_heartbeat:
            return
        self._next_heartbeat = self._now() + HEARTBEAT_EVERY
        with suppress(RoomError, TimeoutError):
            async with asyncio.timeout(HEARTBEAT_TIMEOUT):
                await self._heartbeat()

    async def _new_messages(self, event: ServerSentEvent) -> AsyncGenerator[tuple[Message, str]]:
        """Yield the new messages of one event. Unknown types of events are ignored."""
        frame = decoded(event.data.encode(), Frame)
        match frame.type:
            case "reset":
                self._progress.reset()
            case "history":
                history = decoded(frame.data, list[Message])
                async with aclosing(self._new_in_history(history, event.last_id)) as messages:
                    async for message_and_position in messages:
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
            self.position = cursor or BEFORE_FIRST
            return
        # The history has only the newest messages; those before it are read page by page.
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
    """Decode a part of an event. Raises NoAnswer if it has another form."""
    try:
        return json.decode(data, type=as_type)
    except (DecodeError, RecursionError) as error:
        raise NoAnswer(f"The stream has sent what is no event of a room: {error}") from error
