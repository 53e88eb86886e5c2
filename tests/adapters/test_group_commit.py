"""Everything that waits is committed at once, and every caller has an answer."""

import asyncio
from collections.abc import Sequence

import pytest

from chatr.adapters.group_commit import Appending, GroupCommit
from chatr.ports import Unavailable, Unknown
from chatr.testing.contract.steps import draft, turns


class Place:
    """Gives out positions, or fails as it is told to."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.mistake: Exception | None = None

    async def commit(self, group: Sequence[Appending]) -> None:
        self.groups.append(len(group))
        await turns(1)
        if self.mistake:
            raise self.mistake
        for each in group:
            each.landed(len(self.groups))


async def test_what_waits_is_one_commit() -> None:
    """The first draft goes at once; those that come meanwhile go together."""
    place = Place()
    group = GroupCommit(place.commit)
    first = asyncio.create_task(group.append(draft(), 0))
    await turns(2)
    await asyncio.gather(first, *(group.append(draft(), 0) for _ in range(10)))
    await group.close()

    assert place.groups == [1, 10]


async def test_two_halves_of_a_crowd_become_one() -> None:
    """Whoever asks again soon after it was told is in the commit of those who asked meanwhile."""
    place = Place()
    group = GroupCommit(place.commit)

    async def ask(times: int) -> None:
        for _ in range(times):
            await group.append(draft(), 0)
            await turns(3)

    first = [asyncio.create_task(ask(3)) for _ in range(4)]
    await turns(2)
    await asyncio.gather(*first, *(ask(3) for _ in range(4)))
    await group.close()

    assert place.groups[:3] == [4, 8, 8]


async def test_a_mistake_is_told_and_not_repeated() -> None:
    """Whose commit failed in a way that nobody had thought of does not know; the next one is stored."""
    place = Place()
    group = GroupCommit(place.commit)
    place.mistake = RuntimeError("a mistake of ours")
    with pytest.raises(Unknown):
        await group.append(draft(), 0)
    place.mistake = None
    stored = await group.append(draft(), 0)
    await group.close()

    assert stored.position == 2


async def test_whoever_comes_after_the_end_is_told_so() -> None:
    """Nothing waits for a commit that will not be."""
    group = GroupCommit(Place().commit)
    await group.close()
    with pytest.raises(Unavailable):
        await group.append(draft(), 0)
