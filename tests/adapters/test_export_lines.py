"""The line of a record is parsed by a fast function, or by one that allows further fields; both return the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.stores.export.lines import RECORD_FIELDS, parse_any_record_line, parse_record_line

VALUES = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(), st.booleans(), st.none(), st.just("ab12")
)
NUMBERS, TEXTS = ("position", "previous", "at", "seen"), ("id", "stream", "type", "data", "check")
RIGHT = dict.fromkeys(NUMBERS, 1) | dict.fromkeys(TEXTS, "")


def parsed(parse: Any, line: bytes) -> Any:
    """Return the record in a line, or that there is none."""
    try:
        return parse(line)
    except ValueError:
        return "no record"


@pytest.mark.long
@given(st.dictionaries(st.sampled_from([*RECORD_FIELDS, "colour"]), VALUES, max_size=3), st.binary(max_size=2))
def test_both_functions_return_the_same(changed: dict[str, Any], rest: bytes) -> None:
    """Whatever is in the fields of a line, both return the same record, or none."""
    line = json.dumps(RIGHT | changed).encode() + rest

    assert parsed(parse_record_line, line) == parsed(parse_any_record_line, line)
