"""GET / and what the page is made of: everything comes from here, and nothing else may run."""

import re
from collections.abc import Mapping
from importlib.resources import files

import pytest
from multidict import CIMultiDict
from yarl import URL

from chatr.adapters.http.unscripted import filled
from tests.conftest import Room

FOLDER = files("chatr.adapters.http") / "page"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.is_file())
TEXTS = [name for name in FILES if not name.endswith(".png")]
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


def headers(of: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(of)


async def test_the_page(room: Room) -> None:
    """A person who opens the address sees the page, with what it shows to those who run no scripts."""
    answer = await room.get("/")
    page = filled((FOLDER / "index.html").read_text("utf-8"), room.running.node.room, room.running.url)

    assert (answer.status, answer.headers["Content-Type"]) == (200, TYPES["html"])
    assert answer.raw.decode() == page


@pytest.mark.parametrize("name", FILES)
async def test_a_file_of_the_page(name: str, room: Room) -> None:
    """Each file is served as it lies there, with its type."""
    answer = await room.get(f"/page/{name}")

    assert answer.headers["Content-Type"] == TYPES[name.rpartition(".")[2]]
    assert (answer.status, answer.raw) == (200, (FOLDER / name).read_bytes())


async def test_every_file_that_the_page_names_is_there(room: Room) -> None:
    """No link, script, style or import of the page leads nowhere."""
    named = {
        URL(f"/page/{name}").join(URL(found)).path
        for name in TEXTS
        for found in re.findall(r"""(?:href|src|from)\s*=?\s*["']([./][^"'#]*)["']""", (FOLDER / name).read_text())
    }
    statuses = {path: (await room.get(path)).status for path in named}

    assert "/page/page.js" in named
    assert {path: status for path, status in statuses.items() if status != 200} == {}


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in FILES)])
async def test_the_page_may_do_what_it_needs_and_no_more(path: str, room: Room) -> None:
    """No script but its own runs, nothing is loaded from elsewhere, nobody frames it, and no text becomes HTML."""
    answer = headers((await room.get(path)).headers)
    policy = dict(each.strip().split(" ", 1) for each in answer["Content-Security-Policy"].split(";"))

    assert policy == POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_comes_from_a_third_party(name: str) -> None:
    """No file names another host, but for the namespace of SVG, which is a name and not fetched."""
    text = (FOLDER / name).read_text().replace("http://www.w3.org/2000/svg", "")

    assert re.findall(r"https?:|[\"'(]//|\bwss?:|@import|\burl\([\"']?\w", text) == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_becomes_a_document(name: str) -> None:
    """What agents wrote reaches the page as text: nothing in it builds HTML or code from strings."""
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|\son\w+=|style="

    assert re.findall(sinks, (FOLDER / name).read_text()) == []


@pytest.mark.parametrize("path", ["/", "/page/page.js"])
async def test_whoever_has_the_page_is_not_sent_it_again(path: str, room: Room) -> None:
    """The browser asks each time, and is told that what it has is still good."""
    first = headers((await room.get(path)).headers)
    again = await room.get(path, headers={"If-None-Match": f'"other", {first["ETag"]}'})

    assert first["Cache-Control"] == "no-cache"
    assert (again.status, again.raw, headers(again.headers)["ETag"]) == (304, b"", first["ETag"])


async def test_a_proxy_that_compresses_weakens_the_tag(room: Room) -> None:
    """Tags are compared weakly, as RFC 9110 asks: nginx marks those of what it compressed as weak."""
    first = headers((await room.get("/")).headers)

    assert (await room.get("/", headers={"If-None-Match": f"W/{first['ETag']}"})).status == 304


@pytest.mark.parametrize("tag", ['"other"', "", "nonsense", 'W/"'])
async def test_another_tag_is_no_tag(tag: str, room: Room) -> None:
    """Whoever has something else is sent the page."""
    assert (await room.get("/", headers={"If-None-Match": tag})).status == 200


@pytest.mark.parametrize(
    "name", ["nope.js", "PAGE.JS", "page.js~", "..", ".", "__init__.py", "..%2froutes.py", "%2e%2e%2froutes.py"]
)
async def test_what_is_no_file_of_the_page(name: str, room: Room) -> None:
    """Only the files of the page are served, and nothing beside them."""
    async with room.http.get(URL(f"{room.running.url}/page/{name}", encoded=True)) as reply:
        assert (reply.status, (await reply.json())["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/docs"])
async def test_who_takes_gzip_gets_gzip(path: str, room: Room) -> None:
    """Text is sent compressed to those who say that they take it, and plain to all others, under another tag."""
    plain = await room.get(path, headers={"Accept-Encoding": "identity"})
    small = await room.get(path, headers={"Accept-Encoding": "gzip, deflate, br"})

    assert small.raw == plain.raw
    assert "Content-Encoding" not in headers(plain.headers)
    assert headers(small.headers)["Content-Encoding"] == "gzip"
    assert headers(small.headers)["ETag"] != headers(plain.headers)["ETag"]
    assert headers(small.headers)["Vary"] == headers(plain.headers)["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("gzip;q=0", False),
        ("br, gzip ; q=0.000, *", False),
        ("gzip;q=0.5", True),
        ("gzip;q=0.01, br", True),
        ("GZIP", True),
    ],
)
async def test_a_weight_of_zero_refuses_gzip(said: str, taken: bool, room: Room) -> None:
    """Who names gzip takes it, however it is written, unless with a weight of zero (RFC 9110)."""
    answer = await room.get("/docs", headers={"Accept-Encoding": said})

    assert ("Content-Encoding" in headers(answer.headers)) is taken


async def test_pictures_are_not_compressed_again(room: Room) -> None:
    """What is compressed already is sent as it lies there."""
    assert "Content-Encoding" not in headers((await room.get("/page/preview.png")).headers)
