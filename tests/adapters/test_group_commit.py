"""All waiting appends are committed together, and each caller gets its result."""

import asyncio
from collections.abc import Sequence

import pytest

from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend
from chatr.ports import LogUnavailable, OutcomeUnknown
from chatr.testing.contract.steps import new_draft, run_event_loop


class Positions:
    """A store that gives each group the next position, or raises `error`."""

    def __init__(self) -> None:
        self.group_sizes: list[int] = []
        self.error: Exception | None = None

    async def commit(self, group: Sequence[PendingAppend]) -> None:
        """Commit a group in one iteration of the event loop."""
        self.group_sizes.append(len(group))
        await run_event_loop(1)
        if self.error:
            raise self.error
        for pending in group:
            pending.succeed(len(self.group_sizes))


async def test_waiting_appends_are_one_commit() -> None:
    """The first draft is committed at once; those that arrive meanwhile are the next commit."""
    store = Positions()
    group = GroupCommit(store.commit)
    first = asyncio.create_task(group.append(new_draft(), 0))
    await run_event_loop(2)
    await asyncio.gather(first, *(group.append(new_draft(), 0) for _ in range(10)))
    await group.close()

    assert store.group_sizes == [1, 10]


async def test_callers_that_append_again_join_the_next_commit() -> None:
    """Callers that append again soon after a commit join the others, instead of forming a group that alternates."""
    store = Positions()
    group = GroupCommit(store.commit)

    async def append(times: int) -> None:
        for _ in range(times):
            await group.append(new_draft(), 0)
            await run_event_loop(3)

    first = [asyncio.create_task(append(3)) for _ in range(4)]
    await run_event_loop(2)
    await asyncio.gather(*first, *(append(3) for _ in range(4)))
    await group.close()

    assert store.group_sizes[:3] == [4, 8, 8]


async def test_an_unexpected_error_of_a_commit_is_unknown() -> None:
    """If the store raises an unexpected error, the appends raise OutcomeUnknown; the next commit is not affected."""
    store = Positions()
    group = GroupCommit(store.commit)
    store.error = RuntimeError("a bug in the store")
    with pytest.raises(OutcomeUnknown):
        await group.append(new_draft(), 0)
    store.error = None
    stored = await group.append(new_draft(), 0)
    await group.close()

    assert stored.position == 2


async def test_an_append_after_closing_is_unavailable() -> None:
    """An append to a closed log raises LogUnavailable instead of waiting for ever."""
    group = GroupCommit(Positions().commit)
    await group.close()
    with pytest.raises(LogUnavailable):
        await group.append(new_draft(), 0)
