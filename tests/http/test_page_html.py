"""The HTML of the watch page for readers without scripts: people, crawlers, and programs that preview links."""

import json
import struct
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import urljoin

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.page.catalogue import LANGUAGES, text
from chatr.adapters.http.page.page_html import MAX_MESSAGES, MESSAGES, PREVIEW, render_page
from chatr.domain.events import Event
from chatr.domain.room import Room
from chatr.testing.records import folded_room, records_of
from chatr.testing.strategies import contents
from tests.conftest import Room as OpenRoom
from tests.domain.examples import CRAB_POSTED, CRAB_REGISTERED, CRAB_VERIFIED

PAGE = f"<head>{PREVIEW}</head><ol>{MESSAGES}</ol>"
URL = "https://chat.example.org"
FOLDER = files("chatr.adapters.http.page") / "static"


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
    """Parse a page."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def room_of(*events: Event) -> Room:
    """Return a room in which an agent has registered and these events have happened."""
    return folded_room(records_of([CRAB_REGISTERED, *events]))


def test_a_message_is_shown() -> None:
    """A message is shown with its author, time and content."""
    page = render_page(PAGE, room_of(CRAB_POSTED), URL)

    assert page.endswith(
        '<ol><li id="m-2"><p class="head"><bdi class="name">Crab</bdi> '
        '<a class="permalink" href="messages/2">'
        '<time datetime="2026-01-01T00:00:00.000Z">2026-01-01 00:00 UTC</time></a></p>'
        '<p class="content" dir="auto">Hello!</p></li></ol>'
    )


def test_a_badge_is_shown_beside_the_name() -> None:
    """A verified agent is shown with both names."""
    assert (
        '<bdi class="name">Crab</bdi> <span class="badge">'
        '<svg class="sign" role="img" aria-label="verified on Moltbook as"><use href="#lobster"/></svg> '
        "<bdi>ClawdCrab</bdi></span>"
    ) in render_page(PAGE, room_of(CRAB_POSTED, CRAB_VERIFIED), URL)


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (2, '<a href="#m-2">{words}<bdi class="who">Crab</bdi>: <bdi>Hello!</bdi></a>'),
        (1, '<a href="messages/1">{words}message 1</a>'),
    ],
)
def test_a_reply_quotes_a_line(target: int, line: str) -> None:
    """The line leads to the message: on the page, where it is there, or by itself."""
    page = render_page(PAGE, room_of(CRAB_POSTED, evolve(CRAB_POSTED, content="Yes.", reply_to=target)), URL)
    words = '<span aria-hidden="true">↩ </span><span class="visually-hidden">Reply to </span>'

    assert f'<p class="quote">{line.format(words=words)}</p><p class="content" dir="auto">Yes.</p>' in page


def test_a_long_quote_is_cut() -> None:
    """A quote is one line of at most 120 characters."""
    long = evolve(CRAB_POSTED, content="<i>\n\n" + "x" * 200)
    page = render_page(PAGE, room_of(long, evolve(CRAB_POSTED, reply_to=2)), URL)

    assert f": <bdi>&lt;i&gt; {'x' * 116}…</bdi></a>" in page


@pytest.mark.parametrize(
    ("content", "html"),
    [
        ("see #2, #2", 'see <a dir="ltr" href="#m-2">#2</a>, <a dir="ltr" href="#m-2">#2</a>'),
        ("#1 #3 #4 C#2 #2f ##2 #2,000 #999999999999999999", "#1 #3 #4 C#2 #2f ##2 #2,000 #999999999999999999"),
        ("@CRAB-: hi", '<a dir="ltr" href="api/agents/Crab">@CRAB</a>-: hi'),
        ("@nobody a@crab @<b>", "@nobody a@crab @&lt;b&gt;"),
    ],
)
def test_mentions_and_ids_are_links(content: str, html: str) -> None:
    """Names of agents that a message mentions and ids of earlier messages are links, and nothing else is."""
    page = render_page(PAGE, room_of(CRAB_POSTED, evolve(CRAB_POSTED, content=content)), URL)

    assert f'<p class="content" dir="auto">{html}</p></li></ol>' in page


def test_an_automatic_message_has_a_mark() -> None:
    """The mark has a name for screen readers."""
    page = render_page(PAGE, room_of(evolve(CRAB_POSTED, automatic=True)), URL)

    assert '</bdi> <span class="automatic" role="img" aria-label="posted by a program' in page


def test_the_newest_messages_are_shown() -> None:
    """The page has the newest messages, oldest first, up to a maximum."""
    posts = [evolve(CRAB_POSTED, content=str(number)) for number in range(MAX_MESSAGES + 2)]
    shown = [int(text) for text in read(render_page(PAGE, room_of(*posts), URL)).texts if text.isdigit()]

    assert shown == list(range(2, MAX_MESSAGES + 2))


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
def test_content_is_only_text(content: str) -> None:
    """No content makes an element or ends one; it is shown unchanged."""
    plain = read(render_page(PAGE, room_of(evolve(CRAB_POSTED, content="plain")), URL))
    hostile = read(render_page(PAGE, room_of(evolve(CRAB_POSTED, content=content)), URL))

    assert hostile.elements == plain.elements
    assert "".join(hostile.texts) == "".join(plain.texts).replace("plain", content)


@given(HOSTILE)
def test_names_are_only_text(name: str) -> None:
    """Names are escaped as well, although the rules forbid such names."""
    events = (evolve(CRAB_REGISTERED, name=name), CRAB_POSTED, evolve(CRAB_VERIFIED, moltbook_name=name))
    reader = read(render_page(PAGE, folded_room(records_of(events)), URL))

    assert [tag for tag, _ in reader.elements if tag not in ("head", "meta", "ol")] == [
        "li", "p", "bdi", "span", "svg", "use", "bdi", "a", "time", "p",
    ]  # fmt: skip
    assert "".join(reader.texts).count(name) == 2


def test_a_link_has_a_preview() -> None:
    """A shared link shows a title, a sentence and a picture, with the public address."""
    shown = {
        of.get("property") or of["name"]: of["content"]
        for tag, of in read(render_page(PAGE, Room(), 'https://a.example/"><b>')).elements
        if tag == "meta"
    }

    assert shown["og:url"] == 'https://a.example/"><b>/'
    assert shown["og:image"] == 'https://a.example/"><b>/page/preview.png'
    assert {"og:title", "og:description", "og:type", "og:image:alt", "twitter:card"} <= shown.keys()


def test_the_size_of_the_preview_picture() -> None:
    """The picture has the size that the page declares, 1200 x 630, and less than 60 kB."""
    picture = (FOLDER / "preview.png").read_bytes()

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)
    assert len(picture) < 60_000


def test_a_page_without_placeholders_is_unchanged() -> None:
    """A page without placeholders is returned unchanged."""
    assert render_page("<p>Hello</p>", room_of(CRAB_POSTED), URL) == "<p>Hello</p>"


async def test_the_page_is_rendered_again_after_a_message(room: OpenRoom) -> None:
    """A posted message is on the page; until then the page is not sent again."""
    ada = await room.register()
    before = await room.get("/")
    again = await room.get("/", headers={"If-None-Match": before.headers["Etag"]})
    await room.post_message(ada, "Hello")

    assert again.status == 304
    assert '<p class="content" dir="auto">Hello</p>' in (await room.get("/")).raw.decode()


async def test_crawlers_may_not_read_the_api(room: OpenRoom) -> None:
    """robots.txt allows the page and the documents, and forbids the API."""
    answer = await room.get("/robots.txt")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.raw.decode().splitlines()[1:] == [
        "User-agent: *",
        "Disallow: /api/",
        f"Sitemap: {room.running.url}/sitemap.xml",
    ]


async def test_the_manifest_names_existing_files(room: OpenRoom) -> None:
    """The start page and the icons in the manifest exist."""
    manifest = json.loads((FOLDER / "site.webmanifest").read_text("utf-8"))
    addresses = [manifest["start_url"], manifest["scope"], *(icon["src"] for icon in manifest["icons"])]
    paths = [urljoin("/page/site.webmanifest", address) for address in addresses]

    assert paths == ["/", "/", "/page/favicon.svg"]
    assert [(await room.get(path)).status for path in paths] == [200] * len(paths)


async def test_the_manifest_is_in_the_language_of_the_page(room: OpenRoom) -> None:
    """The page names a manifest in its own language, with the paths and colours of every other."""
    english = json.loads((FOLDER / "site.webmanifest").read_text("utf-8"))
    names = {}
    for language in LANGUAGES:
        path = f"page/site.{language}.webmanifest"
        assert f'<link rel="manifest" href="{path}">' in (await room.get(f"/?language={language}")).raw.decode()
        manifest = json.loads((await room.get(f"/{path}")).raw)
        names[language] = (manifest.pop("lang"), manifest["name"])
        assert {**manifest, **{key: english[key] for key in ("name", "description")}} == english

    assert names == {each: (each, text(each, "page.title")) for each in LANGUAGES}
