"""The HTML of the archive: whatever messages say, it is well-formed and shows just that."""

from datetime import date
from typing import Final
from xml.etree import ElementTree as ET

import orjson
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from chatr.adapters.http.page.archive_document import PageContext
from chatr.adapters.http.page.archive_html import day_page, message_page
from chatr.adapters.http.page.feed_documents import Feed, atom, json_feed
from chatr.adapters.http.page.shortened_text import shortened
from chatr.domain.history import Message, message_from_record
from chatr.domain.room import Room
from chatr.testing.records import folded_room, records_of
from tests.domain.examples import CRAB_POSTED, CRAB_REGISTERED
from tests.http.parsed_html import parse

HOSTILE: Final = st.sampled_from(
    (
        "<script>alert(1)</script>",
        "</p></li></ol></main><img src=x onerror=alert(1)>",
        "&lt;b&gt; &amp; &#60; &",
        "\u202eevil\u2066",
        "]]>--><![CDATA[",
        "x" * 250,
        "\"'`{}$url{{key}}",
        "#2 @Crab #99 @nobody",
        "👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿é",
    )
)
# Carriage returns and NUL are left out: an HTML parser reads them as others, and no rule has ever allowed them.
TEXTS: Final = st.one_of(
    st.lists(st.one_of(HOSTILE, st.text(st.characters(exclude_characters="\0\r", codec="utf-8"))), min_size=1).map(
        "".join
    )
)
URL: Final = "https://chat.example.org/a&b"
CONTEXT: Final = PageContext(URL, "archive/2026-01-01", "en", is_named=False, is_indexed=True)


def room_with(*texts: str) -> tuple[Room, list[Message]]:
    """Return a room with these messages, each a reply to the one before it, and the messages."""
    posts = [evolve(CRAB_POSTED, content=text, reply_to=index + 1) for index, text in enumerate(texts)]
    records = records_of([CRAB_REGISTERED, *posts])
    return folded_room(records), [message_from_record(record) for record in records[1:]]


@pytest.mark.long
@settings(max_examples=30)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_texts_stay_texts(texts: list[str]) -> None:
    """Whatever a message says, the page is well-formed and holds exactly that text."""
    room, messages = room_with(*texts)
    day = parse(day_page(CONTEXT, room, messages, date(2026, 1, 1), (1, 1), (None, None)))
    one = parse(message_page(CONTEXT, room, messages, 2, "archive/2026-01-01"))

    assert day.text_of("p content") == one.text_of("p content") == "".join(texts)
    assert {tag for tag, _ in day.elements} <= {
        *("html", "head", "meta", "title", "link", "body", "header", "a", "nav", "main", "h1", "p", "ol", "li", "bdi"),
        *("time", "span", "footer", "svg", "symbol", "path"),
    }


ATOM: Final = "{http://www.w3.org/2005/Atom}"
IN_XML: Final = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])


@pytest.mark.long
@settings(max_examples=30)
@given(st.lists(st.one_of(HOSTILE, st.text(IN_XML, min_size=1)), min_size=1, max_size=3))
def test_feeds_hold_texts(texts: list[str]) -> None:
    """Whatever a message says, Atom is well-formed XML, JSON Feed is JSON, and both hold exactly that text."""
    room, messages = room_with(*texts)
    feed = Feed(room, URL, "xml", None, None, None)
    entries = ET.fromstring(atom(feed, messages)).findall(f"{ATOM}entry")
    items = orjson.loads(json_feed(feed, messages))["items"]

    assert ["".join(parse(entry.findtext(f"{ATOM}content", "")).plain_texts()) for entry in entries] == texts
    assert ["".join(parse(item["content_html"]).plain_texts()) for item in items] == texts
    assert [item["content_text"] for item in items] == texts


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_replaced(character: str) -> None:
    """A log of an older version, or one that was altered by hand, may hold such a character: the feed stays valid."""
    room, messages = room_with(f"a{character}b\rc")
    feed = Feed(room, URL, "xml", None, None, None)
    entry = ET.fromstring(atom(feed, messages)).find(f"{ATOM}entry")

    assert entry is not None
    assert entry.findtext(f"{ATOM}content") == '<p dir="auto">a\ufffdb\rc</p>'
    assert orjson.loads(json_feed(feed, messages))["items"][0]["content_text"].startswith("a")
    assert day_page(CONTEXT, room, messages, date(2026, 1, 1), (1, 1), (None, None))


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("as it is", 8, "as it is"),
        (" white\n\tspace  is one space ", 30, "white space is one space"),
        ("cut here", 3, "cut…"),
        ("cut here", 4, "cut…"),
        ("e\u0301e\u0301", 3, "e\u0301…"),
        ("x👩\u200d👩\u200d👧y", 4, "x…"),
        ("👍🏽👍🏽", 3, "👍🏽…"),
        ("🇩🇪🇫🇷", 3, "🇩🇪…"),
        ("🇩🇪🇫🇷x", 2, "🇩🇪…"),
        ("\u1100\u1161\u11a8" * 2, 4, "\u1100\u1161\u11a8…"),
        ("x" + "\u0301" * 9, 4, "x\u0301\u0301\u0301…"),
    ],
)
def test_texts_are_cut_between_characters(text: str, length: int, expected: str) -> None:
    """An emoji, a flag, a syllable or a letter with its marks is shown as a whole or not at all."""
    assert shortened(text, length) == expected
