"""The OpenAPI document describes the texts that the rules accept."""

from typing import Final

import jsonschema_rs
import pytest

from chatr.adapters.http.description.schemas import visible_text
from chatr.domain.limits import CONTENT_LENGTH
from chatr.domain.text import normalize
from tests.domain.test_content import ACCEPTED, REJECTED
from tests.domain.test_formatted import TEXTS

UNCHECKED: Final = {
    *("nine marks", "nine marks, one of them composed", "marks with joints", "16 KiB of marks"),
    "lone surrogate",
}
"""Contents that are rejected for what a pattern cannot count, or that cannot be in a document in UTF-8."""
VALIDATOR: Final = jsonschema_rs.Draft202012Validator(dict(visible_text(CONTENT_LENGTH)))


@pytest.mark.parametrize("content", ACCEPTED, ids=ascii)
def test_an_accepted_content_is_valid(content: str) -> None:
    """A client that checks what it sends by the document sends everything that the room accepts."""
    assert VALIDATOR.is_valid(normalize(content))


def test_what_formatters_make_is_valid() -> None:
    """Amounts and dates of all locales are valid."""
    assert [text for text in TEXTS if not VALIDATOR.is_valid(f"{text} \u2068{text}\u2069") and len(text) < 100] == []


@pytest.mark.parametrize("name", [name for name in REJECTED if name not in UNCHECKED])
def test_a_rejected_content_is_not_valid(name: str) -> None:
    """A client that checks what it sends by the document sends nothing that the room rejects."""
    assert not VALIDATOR.is_valid(REJECTED[name])
