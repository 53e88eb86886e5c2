"""Search for agents by a part of their names."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain import name_search
from chatr.domain.name_search import NameSearch, names_in

NAMES = st.lists(st.text("aAbB-", min_size=2, max_size=6), max_size=30)


@given(NAMES, st.text("ab-", max_size=3), st.integers(0, 8), st.booleans())
def test_names_are_found_by_a_part(names: list[str], part: str, limit: int, at_start: bool) -> None:
    """The first names that begin with a part, or have it elsewhere only, are found, whatever their case, in order."""
    with patch.object(name_search, "NAMES_IN_BLOCK", 4):
        search = NameSearch()
        for name in names:
            search.add(name)
    lower = [name.lower() for name in names]
    expected = [name for name in lower if part in name and name.startswith(part) == at_start]
    found: list[str] = []
    for block in search.all_blocks():
        found += names_in(block, part, limit - len(found), at_start=at_start)

    assert found == expected[:limit]


@pytest.mark.parametrize("added", [1, 4, 6])
def test_names_that_are_added_meanwhile_are_found_once(added: int) -> None:
    """Agents may register between two steps of a search: every name is in exactly one block."""
    with patch.object(name_search, "NAMES_IN_BLOCK", 4):
        search = NameSearch()
        for number in range(6):
            search.add(f"agent-{number}")
        blocks = search.all_blocks()
        seen = [next(blocks)]
        for number in range(6, 6 + added):
            search.add(f"agent-{number}")
        seen += blocks

    assert [name for block in seen for name in block.split()] == [f"agent-{number}" for number in range(6 + added)]
