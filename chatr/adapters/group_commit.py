"""Everything that waits is committed at once: one owner of the writing connection, one flush for many appends."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog
from attrs import define, field

from chatr.domain.events import Cursor
from chatr.ports import Draft, Stored, Unavailable, Unknown

LARGEST: Final = 256
"""Drafts in one commit: beyond that a commit takes longer and gains nothing."""
TURNS: Final = 6
"""Turns of the loop in which those who were told of a commit may ask again. Else whoever asked meanwhile goes first,
two halves of a crowd commit in turn, and a commit costs as much as ten records.
"""

LARGEST_INTEGER: Final = 2**63 - 1

log = structlog.get_logger()


@define(eq=False)
class Appending:
    """A draft that waits for its commit. Its caller may have been cancelled; it lands or does not all the same.

    `after` is where its caller had followed the log to, if the store wants to know.
    """

    draft: Draft
    expected: int
    after: Cursor | None
    check: bytes = field(init=False)
    stored: asyncio.Future[Stored] = field(init=False)
    asked_at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.check = self.draft.check_after(self.expected)
        self.stored = loop.create_future()
        self.asked_at = loop.time()

    def landed(self, position: int) -> Stored:
        """Tell the caller that its draft stands at `position`."""
        stored = self.draft.placed(position, self.expected, self.check)
        if not self.stored.done():
            self.stored.set_result(stored)
        return stored

    def fail(self, error: Exception) -> None:
        if not self.stored.done():
            self.stored.set_exception(error)


def fail(group: Iterable[Appending], error: Exception) -> None:
    for each in group:
        each.fail(error)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class GroupCommit:
    """`commit` stores a group in order and tells each of it what came of it."""

    def __init__(self, commit: Callable[[Sequence[Appending]], Awaitable[None]]) -> None:
        self._commit = commit
        self._waiting: deque[Appending] = deque()
        self._asked = asyncio.Event()
        self._closed = False
        self._writing = asyncio.create_task(self._write(), name="group commit")

    async def append(self, draft: Draft, expected: int, *, after: Cursor | None = None) -> Stored:
        if max(draft.at, draft.seen, expected) > LARGEST_INTEGER:
            raise ValueError("integers have 64 bits in a log")
        if self._closed or self._writing.done():
            raise Unavailable("the log is closed")
        appending = Appending(draft, expected, after)
        self._waiting.append(appending)
        self._asked.set()
        return await appending.stored

    async def _write(self) -> None:
        try:
            while self._waiting or not self._closed:
                await self._asked.wait()
                self._asked.clear()
                while self._waiting:
                    if await self._commit_next() > 1:
                        await turns(TURNS)
        finally:
            fail(self._waiting, Unavailable("the writer of the log stopped"))

    async def _commit_next(self) -> int:
        """How many it were."""
        group = [self._waiting.popleft() for _ in range(min(LARGEST, len(self._waiting)))]
        try:
            await self._commit(group)
        except Exception:  # a mistake must not leave a node that can never append again
            log.exception("commit_failed")
        finally:
            fail(group, Unknown("the writer of the log made a mistake"))
        return len(group)

    async def close(self) -> None:
        """Commit what waits and refuse what comes."""
        self._closed = True
        self._asked.set()
        await self._writing
