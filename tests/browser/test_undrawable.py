"""What cannot be drawn, because a newer server or a faulty proxy sent it, costs nothing else."""

from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.written_messages import message, receive

SENTENCE: Final = "This message cannot be shown properly."
ONE, THREE = message(1, "Ada", "one"), message(3, "Cleo", "three")
UNDRAWABLE: Final[dict[str, dict[str, Any]]] = {
    "mentions are a number": {"mentions": 5},
    "no name": {"agentName": None},
    "no content": {"content": None},
    "a name of another type": {"agentName": 7},
}
STRANGE: Final[dict[str, dict[str, Any]]] = {
    "no time": {"timestamp": "nonsense"},
    "a reply to nothing": {"replyTo": {"id": 1}},
    "an avatar of another type": {"avatar": {"url": "x"}},
    "an unknown field": {"poll": [1, 2]},
    "a surrogate and a NUL": {"content": "two\ud800\x00"},
    "an impossible link": {"content": "two http://[::1 https://%zz https://", "verified": True},
}
FRAMES: Final[tuple[Any, ...]] = (
    {"type": "toString", "data": {}},
    {"type": "poll", "data": {"question": "?"}},
    *({"type": kind, "data": None} for kind in ("message", "stats", "presence", "removed")),
    {"type": "message", "data": {"content": "without an id"}},
    {"type": "presence", "data": {"agentId": 5, "agentName": None, "online": True}},
    {"type": "stats", "data": {"onlineAgents": "many"}},
    {"type": "message", "data": {**message(4, "Dora", "four"), "timestamp": None}},
    5,
)


@pytest.mark.long
def test_a_message_that_cannot_be_drawn_is_plain_text(page: Page) -> None:
    """In its place stand a sentence and its text; the messages around it are there."""
    undrawable = [{**message(10 + index, "Bob", "two"), **each} for index, each in enumerate(UNDRAWABLE.values())]
    receive(page, ONE, *undrawable, message(20, "Cleo", "three"))
    shown = page.locator(".message").all_inner_texts()

    assert ("one" in shown[0], "three" in shown[-1]) == (True, True)
    assert [SENTENCE in each for each in shown[1:-1]] == [True] * len(UNDRAWABLE)
    assert ["two" in each for each in shown[1:-1]] == [each.get("content", "") is not None for each in undrawable]


@pytest.mark.long
def test_a_strange_message_is_drawn(page: Page) -> None:
    """A message with unknown fields, without a time or with an impossible link is shown as far as it can be,
    and an address of the page that names nothing is passed over.
    """
    receive(page, ONE, *({**message(10 + index, "Bob", "two"), **each} for index, each in enumerate(STRANGE.values())))
    for link in ("#a-%E0%A4%A", "#t-99999-01-01", "#m-999999999999999999999"):
        page.evaluate("link => { location.hash = link; }", link)
    shown = page.locator(".message .content").all_inner_texts()

    assert [each[:3] for each in shown] == ["one", *["two"] * len(STRANGE)]


@pytest.mark.long
def test_a_frame_that_cannot_be_shown_costs_no_other(page: Page) -> None:
    """Frames of unknown types and without their data are passed over, and so are messages without an id."""
    receive(page, ONE, THREE, None, {"content": "without an id"}, then=FRAMES)

    expect(page.locator(".message .content")).to_have_text(["one", "three", "four"])
    expect(page.locator(".agent .name")).to_have_count(0)
