"""All waiting appends are committed together, and each caller gets its result."""

import asyncio
from collections.abc import Sequence

import pytest

from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend, UnstorableDraft
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


async def test_only_the_draft_at_fault_fails() -> None:
    """If the store rejects the content of one draft of a group, all the others are stored."""
    rejected = new_draft()

    async def commit(group: Sequence[PendingAppend]) -> None:
        await run_event_loop(1)
        if any(pending.draft == rejected for pending in group):
            raise UnstorableDraft("too long")
        for number, pending in enumerate(group):
            pending.succeed(number)

    group = GroupCommit(commit)
    drafts = [new_draft() for _ in range(10)] + [rejected] + [new_draft() for _ in range(10)]
    results = await asyncio.gather(*(group.append(draft, 0) for draft in drafts), return_exceptions=True)
    await group.close()

    assert [type(result) for result in results if isinstance(result, Exception)] == [UnstorableDraft]
    assert isinstance(results[10], UnstorableDraft)


async def test_closing_answers_every_append_though_a_commit_hangs() -> None:
    """When a commit hangs, closing ends in time: its drafts are in doubt, and those that wait were not stored."""
    hangs = asyncio.Event()

    async def commit(_: Sequence[PendingAppend]) -> None:
        await hangs.wait()

    group = GroupCommit(commit, close_timeout=0.01)
    appends = [asyncio.create_task(group.append(new_draft(), 0))]
    await run_event_loop(2)
    appends += [asyncio.create_task(group.append(new_draft(), 0)) for _ in range(3)]
    await run_event_loop(2)
    await group.close()
    errors = await asyncio.gather(*appends, return_exceptions=True)

    assert [type(error) for error in errors] == [OutcomeUnknown, *[LogUnavailable] * 3]
