"""The room for plain scripts: the same methods, which return when they are done.

An event loop in a thread of its own runs the methods of the asynchronous room. So it works in notebooks and from
several threads too, and goes on receiving while the script is busy.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from functools import wraps
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar
from weakref import finalize

from attrs import define, field

from chatr.client.closing import CLOSED
from chatr.client.errors import NoAnswer
from chatr.client.follow import Following
from chatr.client.room import Room
from chatr.client.transport import TIME_LIMIT
from chatr.secret import shown_url
from chatr.wire import Message

P = ParamSpec("P")
T = TypeVar("T")


@define(eq=False)
class LoopThread:
    """An event loop that runs in a thread, until `stop`."""

    loop: asyncio.AbstractEventLoop
    thread: Thread
    is_stopped: bool = False
    _lock: Lock = field(factory=Lock)

    @classmethod
    def start(cls) -> "LoopThread":
        """Start a loop in a new thread, which does not keep the program alive."""
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever, name="chatr client", daemon=True)
        thread.start()
        return cls(loop, thread)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine; cancel it if the waiting is interrupted, as by Ctrl-C.

        Raises NoAnswer after `stop`.
        """
        # A call that came to a loop which has stopped would wait for ever.
        with self._lock:
            if self.is_stopped:
                call.close()
                raise NoAnswer(CLOSED)
            future = asyncio.run_coroutine_threadsafe(call, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self, room: Room) -> None:
        """Close the room and the loop. Calls that wait end before."""
        with self._lock:
            self.is_stopped = True
        closing = asyncio.run_coroutine_threadsafe(close_all(room), self.loop)
        if current_thread() is self.thread:  # the garbage collector may run there, which must not wait for itself
            closing.add_done_callback(lambda _: self.loop.stop())
            return
        try:
            closing.result()
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()


async def close_all(room: Room) -> None:
    """Close the room, and wait for what was waiting for it."""
    await room.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


def blocking(
    method: Callable[Concatenate[Room, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["BlockingRoom", P], T]:
    """Return a method that waits for that of the asynchronous room."""

    @wraps(method)
    def call(self: "BlockingRoom", /, *args: P.args, **options: P.kwargs) -> T:
        return self.run(method(self.room, *args, **options))

    return call


def blocking_iterator(
    method: Callable[Concatenate[Room, P], Following],
) -> Callable[Concatenate["BlockingRoom", P], "BlockingFollowing"]:
    """Return a method that returns an iterator in the place of an asynchronous one."""

    @wraps(method)
    def call(self: "BlockingRoom", /, *args: P.args, **options: P.kwargs) -> "BlockingFollowing":
        return BlockingFollowing(self, method(self.room, *args, **options))

    return call


class BlockingRoom:
    """A room at `url` for scripts without asyncio, with the methods of `Room`. It is closed when the program ends."""

    def __init__(self, url: str, key: str | None = None, *, time_limit: float = TIME_LIMIT) -> None:
        self.room = Room(url, key, time_limit=time_limit)
        self._thread = thread = LoopThread.start()
        self.run = thread.run
        # Also when nothing refers to it any longer, and at the end of the program.
        self._finalizer = finalize(self, thread.stop, self.room)

    def __repr__(self) -> str:
        return f"BlockingRoom({shown_url(self.url)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of the room, without a slash at its end."""
        return self.room.url

    @property
    def key(self) -> str | None:
        """The API key that is sent with every request."""
        return self.room.key

    @key.setter
    def key(self, key: str | None) -> None:
        self.room.key = key

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._thread.is_stopped

    def close(self) -> None:
        """Close all connections; `follow` ends, and other calls that wait raise NoAnswer."""
        self._finalizer()

    register = blocking(Room.register)
    post = blocking(Room.post)
    messages = blocking(Room.messages)
    search = blocking(Room.search)
    message = blocking(Room.message)
    follow = blocking_iterator(Room.follow)
    check_in = blocking(Room.check_in)
    me = blocking(Room.me)
    agent = blocking(Room.agent)
    agents = blocking(Room.agents)
    find_agents = blocking(Room.find_agents)
    at = blocking(Room.at)
    heartbeat = blocking(Room.heartbeat)
    disconnect = blocking(Room.disconnect)
    rotate_key = blocking(Room.rotate_key)


@define(eq=False)
class BlockingFollowing(Iterator[Message]):
    """An endless iterator over the messages of a room, as `Following`."""

    _room: BlockingRoom
    _following: Following

    @property
    def position(self) -> str | None:
        """Where to go on after the last message that was returned."""
        return self._following.position

    def __next__(self) -> Message:
        try:
            message = self._room.run(anext(self._following, None))
        except NoAnswer:
            if self._room.is_closed:
                raise StopIteration from None
            raise
        if message is None:
            raise StopIteration
        return message

    def close(self) -> None:
        """Close the connection, and end the iteration of another thread."""
        with suppress(NoAnswer):  # the room is closed already
            self._room.run(self._following.aclose())
