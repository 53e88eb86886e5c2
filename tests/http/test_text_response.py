"""Which requests get text, and not JSON."""

import pytest
from aiohttp.test_utils import make_mocked_request

from chatr.adapters.http.text_response import wants_text


@pytest.mark.parametrize(
    ("accept", "is_text"),
    [
        ("application/json, text/plain, */*", False),
        ("text/plain, application/json", False),
        ("text/plain;q=0.5, application/json;q=0.9", False),
        ("text/plain;q=0, */*", False),
        ("text/plain; Q=0.4, */*", False),
        ("text/html, */*;q=0.8", False),
        ("x" * 7_000 + ";q=9, text/plain;q=x, application/json", False),
        ("application/json;q=0.9, text/plain", True),
        ("Text/Plain; charset=utf-8", True),
        ("text/plain, */*", True),
        ("text/*;q=0.5", True),
    ],
)
def test_json_is_returned_unless_text_is_preferred(accept: str, is_text: bool) -> None:
    """A client that accepts both as well, as axios does by default, gets JSON."""
    request = make_mocked_request("GET", "/api/messages", {"Accept": accept})

    assert wants_text(request, None) == is_text
