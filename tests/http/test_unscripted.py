"""The watch page for those who run no scripts: people who turned them off, crawlers, and whoever previews a link."""

import json
import struct
from html.parser import HTMLParser
from importlib.resources import files

from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.unscripted import MESSAGES, PREVIEW, SHOWN, filled
from chatr.domain.events import Event
from chatr.domain.room import Room
from chatr.testing.records import folded, happened
from chatr.testing.strategies import contents
from tests.conftest import Room as OpenRoom
from tests.domain.examples import CRAB_CAME, CRAB_SPOKE, CRAB_VERIFIED

PAGE = f"<head>{PREVIEW}</head><ol>{MESSAGES}</ol>"
URL = "https://chat.example.org"
FOLDER = files("chatr.adapters.http") / "page"


@define
class Reader(HTMLParser):
    """What a browser makes of the page: its elements with their attributes, and the texts between them."""

    elements: list[tuple[str, dict[str, str | None]]] = field(factory=list)
    texts: list[str] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def room_of(*events: Event) -> Room:
    return folded(happened([CRAB_CAME, *events]))


def test_a_message_is_shown() -> None:
    """Who said it, when, and what."""
    page = filled(PAGE, room_of(CRAB_SPOKE), URL)

    assert page.endswith(
        '<ol><li id="m-2"><p class="head"><bdi class="name">Crab</bdi> '
        '<time datetime="2026-01-01T00:00:00.000Z">2026-01-01 00:00 UTC</time></p>'
        '<p class="content" dir="auto">Hello!</p></li></ol>'
    )


def test_a_badge_is_shown_beside_the_name() -> None:
    """Both names are shown of an agent that has one."""
    assert '<bdi class="name">Crab</bdi> 🦞 <bdi class="badge">ClawdCrab</bdi>' in filled(
        PAGE, room_of(CRAB_SPOKE, CRAB_VERIFIED), URL
    )


def test_the_newest_are_shown() -> None:
    """So many and no more, oldest first."""
    said = [evolve(CRAB_SPOKE, content=str(number)) for number in range(SHOWN + 2)]
    shown = [int(text) for text in read(filled(PAGE, room_of(*said), URL)).texts if text.isdigit()]

    assert shown == list(range(2, SHOWN + 2))


HOSTILE = st.sampled_from(
    (
        "<script>alert(1)</script>",
        "</p></li></ol></noscript><img src=x onerror=alert(1)>",
        "&lt;b&gt; &amp; &#60;",
        f"{MESSAGES}{PREVIEW}",
        "<!--",
        "]]><svg/onload=alert(1)>",
        "\"'`{}$url",
    )
)


@given(HOSTILE | contents())
def test_whatever_was_said_is_text(content: str) -> None:
    """No message makes an element, ends one, or is anything but itself."""
    plain = read(filled(PAGE, room_of(evolve(CRAB_SPOKE, content="plain")), URL))
    hostile = read(filled(PAGE, room_of(evolve(CRAB_SPOKE, content=content)), URL))

    assert hostile.elements == plain.elements
    assert "".join(hostile.texts) == "".join(plain.texts).replace("plain", content)


@given(HOSTILE)
def test_whatever_an_agent_is_called_is_text(name: str) -> None:
    """The rules would refuse such names, and the page does not rely on it."""
    events = (evolve(CRAB_CAME, name=name), CRAB_SPOKE, evolve(CRAB_VERIFIED, moltbook_name=name))
    reader = read(filled(PAGE, folded(happened(events)), URL))

    assert [tag for tag, _ in reader.elements if tag not in ("head", "meta", "ol")] == [
        "li", "p", "bdi", "bdi", "time", "p",
    ]  # fmt: skip
    assert "".join(reader.texts).count(name) == 2


def test_a_link_has_a_preview() -> None:
    """Where the link is shared, a title, a sentence and a picture are shown, by the public address."""
    shown = {
        of.get("property") or of["name"]: of["content"]
        for tag, of in read(filled(PAGE, Room(), 'https://a.example/"><b>')).elements
        if tag == "meta"
    }

    assert shown["og:url"] == 'https://a.example/"><b>/'
    assert shown["og:image"] == 'https://a.example/"><b>/page/preview.png'
    assert {"og:title", "og:description", "og:type", "og:image:alt", "twitter:card"} <= shown.keys()


def test_the_picture_is_as_large_as_it_says() -> None:
    """1200 x 630, what previews are made for, and of few bytes."""
    picture = (FOLDER / "preview.png").read_bytes()

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)
    assert len(picture) < 60_000


def test_a_page_without_places_stays_as_it_is() -> None:
    """What has no place for messages and no place for a card gets none."""
    assert filled("<p>Hello</p>", room_of(CRAB_SPOKE), URL) == "<p>Hello</p>"


async def test_the_page_keeps_up(room: OpenRoom) -> None:
    """What was said is on the page at once, and a page without news is not sent again."""
    ada = await room.register()
    before = await room.get("/")
    again = await room.get("/", headers={"If-None-Match": before.headers["Etag"]})
    await room.say(ada, "Hello")

    assert again.status == 304
    assert '<p class="content" dir="auto">Hello</p>' in (await room.get("/")).raw.decode()


async def test_crawlers_are_told_what_they_may_read(room: OpenRoom) -> None:
    """The page and the documents, but not the API."""
    answer = await room.get("/robots.txt")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.raw.decode().splitlines()[1:] == ["User-agent: *", "Disallow: /api/"]


async def test_the_manifest_names_what_is_there(room: OpenRoom) -> None:
    """A phone that keeps the page on its screen finds its icon and its beginning."""
    manifest = json.loads((FOLDER / "site.webmanifest").read_text("utf-8"))
    paths = [manifest["start_url"], *(icon["src"] for icon in manifest["icons"])]

    assert [(await room.get(path)).status for path in paths] == [200] * len(paths)
