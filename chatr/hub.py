"""Fan-out: a frame is encoded once and written to every watcher; nobody is waited for.

A watcher costs no task and no queue: its socket's buffer is the queue, and whoever does not empty it is cut off. It
resumes by its last id and loses nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from attrs import frozen

from chatr.watcher import Chunk, Watcher, chunk

SLICE: Final = 1_000
"""Watchers that are written to in one turn of the loop: some milliseconds, then posts and beats have their turn."""
REST: Final = 2.0
"""How many times as long as writing took the loop is left to others, while several frames come at a time. More gather
meanwhile, and cost one write; whoever speaks alone is not kept waiting for company.
"""
LONGEST_REST: Final = 1.0
"""Seconds. A process that was stopped while it wrote would rest for twice as long as it was stopped."""
COMMENT: Final = b":\n\n"


@frozen
class Piece:
    """Frames in one piece, and those it is for who have not been written it yet."""

    frames: Chunk
    audience: Iterator[Watcher]


class Hub:
    """The watchers, and what is about to be written to them: what is pending, and then what is sealed.

    A piece is sealed for those who are there, when its turn comes or when somebody joins: whoever joins has what was
    said so far in its backlog, and is in the audience of no piece before. So it may join between two slices of one.
    """

    def __init__(
        self, *, patience: float = 30.0, silence: float = 15.0, portion: int = SLICE, rest: float = REST
    ) -> None:
        self._watchers: dict[Watcher, None] = {}
        self._curious: dict[Watcher, None] = {}
        self._pending: list[bytes] = []
        self._aside: list[bytes] = []
        self._sealed: deque[Piece] = deque()
        self._next: asyncio.Handle | None = None
        self._began_at = 0.0
        self._several = False
        self._rested_at = 0.0
        self._portion = portion
        self._rest = rest
        self._patience = patience
        self._silence = silence
        self._told_at = 0.0
        self._emptied = asyncio.Event()

    def __len__(self) -> int:
        return len(self._watchers)

    @property
    def curious(self) -> bool:
        """Whether anybody wants to know more than what is for everybody."""
        return bool(self._curious)

    def join(self, watcher: Watcher, backlog: bytes) -> None:
        """Write the backlog and let live frames follow. Nothing may be awaited between reading the room and this."""
        self._seal()
        watcher.begin(backlog)
        self._watchers[watcher] = None
        if watcher.curious:
            self._curious[watcher] = None

    def leave(self, watcher: Watcher) -> None:
        self._watchers.pop(watcher, None)
        self._curious.pop(watcher, None)
        if not self._watchers:
            self._emptied.set()

    def publish(self, frames: Iterable[bytes]) -> None:
        """Frames for everybody, written in one piece with all that is published before their turn comes."""
        self._pending.extend(frames)
        self._schedule()

    def publish_aside(self, frames: Iterable[bytes]) -> None:
        """Frames for the curious alone, after those for everybody."""
        self._aside.extend(frames)
        self._schedule()

    def _schedule(self) -> None:
        """Begin in the next turn of the loop, or once the loop was left to others for long enough."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            resting = self._rested_at > loop.time()
            self._next = loop.call_at(self._rested_at, self._begin) if resting else loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._began_at = asyncio.get_running_loop().time()
        self._several = len(self._sealed) + len(self._pending) > 1
        self._seal()
        self._go_on()

    def _go_on(self) -> None:
        """Write to some; the others have their turn after whatever else is to be done."""
        if self._sealed:
            self._write()
        self._next = asyncio.get_running_loop().call_soon(self._go_on if self._sealed else self._finish)

    def _finish(self) -> None:
        now = asyncio.get_running_loop().time()
        rest = self._rest if self._several else 0.0
        self._rested_at = now + min(rest * (now - self._began_at), LONGEST_REST)
        self._next = None
        if self._pending or self._aside:
            self._schedule()

    def _seal(self) -> None:
        if self._pending:
            self._told_at = asyncio.get_running_loop().time()
        for frames, audience in ((self._pending, self._watchers), (self._aside, self._curious)):
            if frames:
                self._sealed.append(Piece(chunk(b"".join(frames)), iter(list(audience))))
                frames.clear()

    def _write(self) -> None:
        piece = self._sealed[0]
        some = list(islice(piece.audience, self._portion))
        for watcher in some:
            watcher.write(piece.frames)
        if len(some) < self._portion:
            self._sealed.popleft()

    def flush(self) -> None:
        """Write everything to everybody now."""
        self._seal()
        while self._sealed:
            self._write()

    def cut(self) -> None:
        """Send everybody away; they come back with their last id, and are told what it is worth now."""
        for watcher in list(self._watchers):
            watcher.cut()
            self.leave(watcher)

    def tick(self) -> None:
        """Once a second or so: break the silence, cut off who takes nothing."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= self._silence:
            self.publish([COMMENT])
        for watcher in list(self._watchers):
            if watcher.stalled(now, self._patience):
                watcher.cut()

    async def close(self, farewell: Callable[[], bytes], *, within: float = 1.0) -> None:
        """End every stream with a farewell of its own; who has not taken it in time is cut off."""
        self.flush()
        self._emptied.clear()
        for watcher in list(self._watchers):
            watcher.end(chunk(farewell()))
        try:
            async with asyncio.timeout(within if self._watchers else 0):
                await self._emptied.wait()
        except TimeoutError:
            self.cut()
