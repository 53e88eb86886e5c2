"""Group commit: one task owns the writing connection and commits all waiting appends with one flush to the disk.

A flush costs about as much for one record as for a hundred, so grouping multiplies the appends per second.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Final, TypeVar

import structlog
from attrs import define, field

from chatr import stop_budget
from chatr.domain.events import Cursor
from chatr.ports import Draft, LogUnavailable, OutcomeUnknown, Stored

MAX_GROUP: Final = 256
"""The most drafts in one commit. Larger groups make a commit take longer and store no more records per second."""
LOOP_ITERATIONS_AFTER_COMMIT: Final = 6
"""Event-loop iterations between a commit of several drafts and the next one, so that callers whose appends have just
returned can join it.

Without them, 8 callers settle into two groups of 4 that take turns. That doubles the number of commits, each of which
costs as much as storing ten records, and the number of writes to every watcher.

Measured gain: without them, 12 % fewer durable posts (docs/decisions/measured-tricks.md).
"""

LARGEST_INTEGER: Final = 2**63 - 1
"""The largest value of a bigint in PostgreSQL and of an INTEGER in SQLite."""

T = TypeVar("T")

log = structlog.get_logger()


class UnstorableDraft(LogUnavailable):
    """The store rejected the content of a draft, and stored nothing of its group."""


@define(eq=False)
class PendingAppend:
    """A draft that waits for its commit. If its caller is cancelled meanwhile, it may be stored all the same.

    `expected` is the position that the caller expects as the last one of the draft's stream, 0 if the stream is empty.
    `after` is the cursor up to which the caller had read the log, for stores that verify it.
    """

    draft: Draft
    expected: int
    after: Cursor | None
    record_hash: bytes = field(init=False)
    stored: asyncio.Future[Stored] = field(init=False)
    """Receives the stored record, or the error that the caller's append raises."""
    created_at: float = field(init=False)
    """Seconds of the event loop's clock."""

    def __attrs_post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.record_hash = self.draft.record_hash_after(self.expected)
        self.stored = loop.create_future()
        self.created_at = loop.time()

    def succeed(self, position: int) -> Stored:
        """Return the record stored at `position` to the caller of the append, and to the caller of this method."""
        stored = self.draft.at_position(position, self.expected, self.record_hash)
        # The future is done already if the caller of the append was cancelled.
        if not self.stored.done():
            self.stored.set_result(stored)
        return stored

    def fail(self, error: Exception) -> None:
        """Raise `error` in the caller of the append, unless it has its result already."""
        if not self.stored.done():
            self.stored.set_exception(error)


def fail_all(group: Iterable[PendingAppend], error: Exception) -> None:
    """Raise `error` in each caller of `group` that has no result yet."""
    for pending in group:
        pending.fail(error)


async def yield_to_loop(iterations: int) -> None:
    """Let every other task of the event loop run `iterations` times."""
    for _ in range(iterations):
        await asyncio.sleep(0)


class GroupCommit:
    """Collects appends and passes them in groups to `commit`, one group at a time, in the order of the calls.

    `commit` stores a group and calls `succeed` or `fail` on each of its members. If it raises UnstorableDraft, the
    halves of the group are committed, and so on: only the draft at fault fails.
    """

    def __init__(
        self, commit: Callable[[Sequence[PendingAppend]], Awaitable[None]], close_timeout: float = stop_budget.LOG
    ) -> None:
        self._commit = commit
        self._close_timeout = close_timeout
        self._waiting: deque[PendingAppend] = deque()
        self._committing: list[PendingAppend] = []
        self._work_arrived = asyncio.Event()
        self._turn = asyncio.Lock()
        """Is held by the commit, or by the other work on the store, that is under way."""
        self._other_work: set[asyncio.Task[object]] = set()
        self._closed = False
        self._writer = asyncio.create_task(self._write(), name="group commit")

    async def append(self, draft: Draft, expected: int, *, after: Cursor | None = None) -> Stored:
        """Queue `draft` for the next commit and return the stored record. `expected` and `after` as in PendingAppend.

        Raises the error with which `commit` fails it, LogUnavailable once closed, and ValueError for an integer of more
        than 64 bits.
        """
        # Rejected before it joins a group: a value that the database cannot store would fail all the others, too.
        if max(draft.at, draft.decided_at_position, expected) > LARGEST_INTEGER:
            raise ValueError("integers have 64 bits in a log")
        if self._closed or self._writer.done():
            raise LogUnavailable("the log is closed")
        pending = PendingAppend(draft, expected, after)
        self._waiting.append(pending)
        self._work_arrived.set()
        return await pending.stored

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do other work on the store between two commits, and return its result. It goes on if the caller is cancelled.

        Raises LogUnavailable once closed.
        """
        if self._closed:
            raise LogUnavailable("the log is closed")
        task = asyncio.create_task(self._run_in_turn(work), name="work on the log")
        self._other_work.add(task)
        task.add_done_callback(self._other_work.discard)
        try:
            # A statement that is interrupted could leave the connection in the middle of a transaction.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise LogUnavailable("the log was closed") from None
            raise

    async def _run_in_turn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with self._turn:
            return await work()

    async def _write(self) -> None:
        """Commit group after group until the log is closed and nothing waits."""
        try:
            # What waits when the log is closed is still stored: its callers have been promised a result.
            while self._waiting or not self._closed:
                await self._work_arrived.wait()
                self._work_arrived.clear()
                while self._waiting:
                    if await self._commit_next() > 1:
                        await yield_to_loop(LOOP_ITERATIONS_AFTER_COMMIT)
        finally:
            fail_all(self._waiting, LogUnavailable("the writer of the log stopped"))

    async def _commit_next(self) -> int:
        """Commit the next group and return its size."""
        group = self._committing = [self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting)))]
        try:
            async with self._turn:
                await self._commit_or_split(group)
        except Exception:  # a bug in one commit must not end this task: the node could never append again
            log.exception("commit_failed")
        finally:
            # Only members without a result are failed: a commit that failed or was cancelled leaves such.
            fail_all(group, OutcomeUnknown("the writer of the log failed"))
            # Not held until the next commit: the texts may have to be erased.
            self._committing = []
        return len(group)

    async def _commit_or_split(self, group: Sequence[PendingAppend]) -> None:
        """Commit `group`, without the members whose content the store rejects: these fail with UnstorableDraft."""
        try:
            await self._commit(group)
        except UnstorableDraft as error:
            if len(group) == 1:
                group[0].fail(error)
                return
            # The store does not say which member is at fault; halving finds it in a few commits.
            for half in (group[: len(group) // 2], group[len(group) // 2 :]):
                await self._commit_or_split(half)

    async def close(self) -> None:
        """Reject new appends, and return when all that wait are committed, or after `close_timeout` seconds.

        Then those that are being committed raise OutcomeUnknown, and those that still wait LogUnavailable.
        """
        self._closed = True
        self._work_arrived.set()
        tasks = {self._writer, *self._other_work}
        await asyncio.wait(tasks, timeout=self._close_timeout)
        for task in tasks:
            # Cancelling a task that is done does nothing.
            task.cancel()
        fail_all(self._waiting, LogUnavailable("the log was closed before the record was stored"))
        fail_all(self._committing, OutcomeUnknown("the log was closed during the commit"))
