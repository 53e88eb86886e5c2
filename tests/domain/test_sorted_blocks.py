"""A sorted collection in blocks."""

from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.identity import AgentId
from chatr.domain.sorted_blocks import Entry, SortedBlocks

KEYS = st.text("abc", max_size=3)


@given(st.integers(1, 3), st.lists(st.tuples(KEYS, KEYS, st.integers(0, 4))))
def test_entries_are_sorted(block_size: int, steps: list[tuple[str, str, int]]) -> None:
    """Whatever is added and removed, the entries after any key are those of a sorted list."""
    blocks, present = SortedBlocks(block_size), set[Entry]()
    for key, asked, count in steps:
        entry = (key, AgentId(f"id of {key}"))
        (blocks.remove if entry in present else blocks.add)(entry)
        present ^= {entry}

        assert blocks.after(asked, count) == [each for each in sorted(present) if each[0] > asked][:count]
