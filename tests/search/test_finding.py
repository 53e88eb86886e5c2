"""A search returns full pages, ends in time, and does not delay indexing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chatr.adapters.search.fts5 import Fts5Index
from chatr.adapters.search.hits import next_hits
from chatr.adapters.search.index_file import IndexFile
from chatr.search_types import IndexedUntil, SearchRange, SearchTooSlow
from tests.search.nodes import log_of, searched_node


async def test_a_search_that_takes_too_long_is_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search ends with an error when its time is over, however many messages there are."""
    log = await log_of(*["a b c d"] * 2_000)
    async with searched_node(log, path) as room:
        await room.find("a")
        monkeypatch.setattr("chatr.node.message_search.MAX_CPU_TIME", 0.0005)
        with pytest.raises(SearchTooSlow):
            await room.find("a b c d", limit=2_000)


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
        even_only = [range(0, 400, 2)]
        even = [await room.search.find("word", (None, before), 50, even_only) for before in (None, 205, 104)]
        forward = await room.search.find("word", (100, None), 3, even_only, forward=True)

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


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many hits each statement returned."""
    counts: list[int] = []

    def counted(*arguments: Any) -> list[int]:
        found = next_hits(*arguments)
        counts.append(len(found))
        return found

    monkeypatch.setattr("chatr.adapters.search.hits.next_hits", counted)
    return counts


def test_few_wanted_messages_are_found_among_many_hits(
    path: Path, monkeypatch: pytest.MonkeyPatch, statements: list[int]
) -> None:
    """Messages between those that are wanted are passed over, so a filter that selects few makes a search short."""
    monkeypatch.setattr("chatr.adapters.search.parts.SIZE", 2_000)
    index = IndexFile(path)
    index.add([(position, "word") for position in range(1, 10_000)], IndexedUntil("log", 10_000, "id"))
    among = [3, 4, 3_000, 8_000]

    def found(after: int, before: int, *, ascending: bool, limit: int = 9) -> list[int]:
        return index.find("word", SearchRange(after, before, ascending, [among]), limit, 5, lambda _: True)

    assert found(0, 20_000, ascending=False) == [8_000, 3_000, 4, 3]
    assert found(0, 20_000, ascending=False, limit=2) == [8_000, 3_000]
    assert found(3, 8_000, ascending=True) == [4, 3_000]
    assert found(8_000, 20_000, ascending=True) == []
    assert sum(statements) < 1_000
    index.close()


def test_many_wanted_messages_between_many_hits_take_few_statements(path: Path, statements: list[int]) -> None:
    """Where two agents take turns, and only the one uses a word, each statement reads more hits than the last."""
    index = IndexFile(path)
    index.add([(position, "word") for position in range(1, 20_000, 2)], IndexedUntil("log", 20_000, "id"))
    wanted = SearchRange(0, 30_000, ascending=False, among=[range(0, 20_000, 2)])

    assert index.find("word", wanted, 9, 5, lambda _: True) == []
    assert len(statements) < 12
    index.close()


@pytest.mark.parametrize("ascending", [True, False])
def test_messages_that_meet_several_criteria(path: Path, monkeypatch: pytest.MonkeyPatch, *, ascending: bool) -> None:
    """Whatever the distances between hits and wanted messages, exactly those in all sequences are found, in order."""
    for name, value in (("parts.SIZE", 50), ("hits.FEW_HITS", 1), ("hits.MOST_HITS", 8), ("hits.WIDE_GAP", 3)):
        monkeypatch.setattr(f"chatr.adapters.search.{name}", value)
    random = Random(1)
    index, hits = IndexFile(path), sorted(random.sample(range(1, 400), 200))
    index.add([(position, "word") for position in hits], IndexedUntil("log", 400, "id"))
    for size in (0, 3, 30, 100, 300):
        among = [sorted(random.sample(range(1, 400), each)) for each in (size, 300)]
        expected = [each for each in hits if 20 < each < 380 and all(each in positions for positions in among)]
        found = index.find("word", SearchRange(20, 380, ascending, among), 400, 5, lambda _: True)

        assert found == expected[:: 1 if ascending else -1]
    index.close()
