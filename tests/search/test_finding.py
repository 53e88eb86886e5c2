"""A search returns full pages, ends in time, and does not delay indexing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from chatr.adapters.search.fts5 import Fts5Index
from chatr.adapters.search.index_file import IndexFile
from chatr.search_types import IndexedUntil, SearchRange, SearchTooSlow
from tests.search.nodes import log_of, searched_node


async def test_a_search_that_takes_too_long_is_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search ends with an error when its time is over, however many messages there are."""
    monkeypatch.setattr("chatr.node.message_search.MAX_CPU_TIME", 0.005)
    log = await log_of(*["a b c d"] * 2_000)
    async with searched_node(log, path) as room:
        await room.find("a")
        with pytest.raises(SearchTooSlow):
            await room.find("a b c d", is_wanted=lambda _: sum(range(10_000)) < 0)


class CountingIndex(Fts5Index):
    """An index that counts how many searches wait for it at the same time."""

    now = most = 0

    async def find(
        self, query: str, wanted: SearchRange, limit: int, seconds: float, is_wanted: Callable[[int], bool]
    ) -> list[int]:
        """As `Fts5Index.find`."""
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await super().find(query, wanted, limit, seconds, is_wanted)
        finally:
            self.now -= 1


async def test_searches_do_not_hold_up_the_index() -> None:
    """New messages wait for two searches at most, however many searches come at once."""
    log, index = await log_of("one"), CountingIndex(None)
    async with searched_node(log, index=index) as room:
        found = await asyncio.gather(*(room.find("one") for _ in range(20)))

    assert found == [[3]] * 20
    assert index.most == 2


def test_a_search_over_many_parts_is_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of a search holds for all tables together, even if each takes only a moment."""
    monkeypatch.setattr("chatr.adapters.search.parts.SIZE", 2)
    index = IndexFile(path)
    index.add([(position, "word") for position in range(1, 200)], IndexedUntil("log", 200, "id"))
    everything = SearchRange(0, 1_000, ascending=True)
    found = index.find("word", everything, 1_000, 5, lambda _: True)
    with pytest.raises(SearchTooSlow):
        index.find("word", everything, 1_000, 0.0001, lambda _: True)
    index.close()

    assert found == list(range(1, 200))


async def test_a_page_is_full_although_hits_are_left_out() -> None:
    """A page is full although unwanted hits are left out, and says whether there are more."""
    log = await log_of(*["word"] * 300)
    async with searched_node(log) as room:
        even = [
            await room.search.find("word", None, before, 50, lambda each: each % 2 == 0) for before in (None, 205, 104)
        ]
        forward = await room.search.find("word", 100, None, 3, lambda each: each % 2 == 0)

    assert [page.has_more for page in even] == [True, True, False]
    assert even[0].positions == list(range(204, 303, 2))
    assert even[1].positions == list(range(106, 205, 2))
    assert even[2].positions == list(range(4, 104, 2))
    assert (forward.positions, forward.has_more) == ([102, 104, 106], True)


def test_parts_of_an_index(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search covers all tables of an index, in both directions and between any two positions."""
    monkeypatch.setattr("chatr.adapters.search.parts.SIZE", 10)
    index = IndexFile(path)
    index.add([(position, f"word {position}") for position in (5, 6, 35, 36, 95)], IndexedUntil("log", 95, "id"))

    def found(after: int, before: int, *, ascending: bool, limit: int = 9) -> list[int]:
        return index.find("word", SearchRange(after, before, ascending), limit, 5, lambda _: True)

    assert found(0, 100, ascending=True) == [5, 6, 35, 36, 95]
    assert found(0, 100, ascending=False, limit=2) == [95, 36]
    assert found(6, 36, ascending=True) == [35]
    assert found(35, 95, ascending=False) == [36]
    assert found(10, 30, ascending=True) == []
    assert found(0, 10**18, ascending=True, limit=3) == [5, 6, 35]
    index.close()


def test_few_wanted_messages_are_found_among_many_hits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages between those that are wanted are passed over, so a filter that selects few makes a search short."""
    monkeypatch.setattr("chatr.adapters.search.parts.SIZE", 1_000)
    index = IndexFile(path)
    index.add([(position, "word") for position in range(1, 5_000)], IndexedUntil("log", 5_000, "id"))
    among, seen = [3, 4, 1_500, 4_000], list[int]()

    def found(after: int, before: int, *, ascending: bool, limit: int = 9) -> list[int]:
        def is_wanted(position: int) -> bool:
            seen.append(position)
            return position in among

        return index.find("word", SearchRange(after, before, ascending, among), limit, 5, is_wanted)

    assert found(0, 9_000, ascending=False) == [4_000, 1_500, 4, 3]
    assert found(0, 9_000, ascending=False, limit=2) == [4_000, 1_500]
    assert found(3, 4_000, ascending=True) == [4, 1_500]
    assert found(4_000, 9_000, ascending=True) == []
    assert len(seen) < 500
    index.close()
