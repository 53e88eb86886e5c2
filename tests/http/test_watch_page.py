"""GET / and the files of the pages: all of them come from this server, and no other script runs."""

import re
from collections.abc import Mapping
from importlib.resources import files

import pytest
from multidict import CIMultiDict
from yarl import URL

from chatr.adapters.http.endpoints.watch_page import load_files, with_version
from chatr.adapters.http.page.catalogue import LANGUAGES, translate
from chatr.adapters.http.page.joined_modules import joined_modules
from chatr.adapters.http.page.page_html import render_page
from tests.conftest import Room

FOLDER = files("chatr.adapters.http.page") / "static"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.is_file())
MADE = ["client.js", *(f"texts{part}.{language}.js" for part in ("", "_later") for language in LANGUAGES)]
"""Files that are made when the server starts."""
TEXTS = [name for name in FILES if not name.endswith(".png")]
SCRIPTS = {name: (FOLDER / name).read_text("utf-8") for name in FILES if name.endswith(".js")}
JOINED = {name for name, script in joined_modules(SCRIPTS, "page.js", ["client.js"]).items() if script != SCRIPTS[name]}
"""Modules that are served in another form, which test_joined_modules.py tests."""
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
    "trusted-types": "stream-worker",
}


def headers(plain: Mapping[str, str]) -> CIMultiDict[str]:
    """Return headers whose names ignore case."""
    return CIMultiDict(plain)


async def test_the_page(room: Room) -> None:
    """GET / returns the page with its content for readers without scripts."""
    answer = await room.get("/")
    page = with_version((FOLDER / "index.html").read_text("utf-8"), load_files())
    page = render_page(translate(page, "en"), room.running.node.room, room.running.url)

    assert (answer.status, answer.headers["Content-Type"]) == (200, TYPES["html"])
    assert answer.raw.decode() == page


@pytest.mark.parametrize("name", sorted({*FILES} - JOINED))
async def test_a_file_of_the_page(name: str, room: Room) -> None:
    """Each file is served with its type, scripts and styles without comments that have lines to themselves."""
    answer = await room.get(f"/page/{name}")
    content = (FOLDER / name).read_bytes()
    lines = content.splitlines(keepends=True)
    is_comment = re.compile(rb"\s*(//|/\*)")
    expected = (
        b"".join(line for line in lines if not is_comment.match(line)) if name.endswith((".js", ".css")) else content
    )

    assert answer.headers["Content-Type"] == TYPES[name.rpartition(".")[2]]
    assert (answer.status, answer.raw) == (200, expected)


async def test_every_referenced_file_exists(room: Room) -> None:
    """Every link, script, style and import of the pages leads to a file."""
    pages = {"index.html": "/", "docs.html": "/docs"}
    named = {
        URL(pages.get(name, f"/page/{name}")).join(URL(found)).path
        for name in TEXTS
        for found in re.findall(
            r"""(?:\b(?:href|src)=|\bfrom\s+)["']([^"'#$]+)["']""", translate((FOLDER / name).read_text(), "en")
        )
    }
    statuses = {path: (await room.get(path)).status for path in named}

    assert "/page/page.js" in named
    assert {path: status for path, status in statuses.items() if status != 200} == {}


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in FILES + MADE)])
async def test_the_security_policy_of_the_page(path: str, room: Room) -> None:
    """Only the page's own scripts run, nothing is loaded from elsewhere, no frames, no HTML from strings. Scripts and
    styles, for which the policy of the page holds, have a short one. A worker has the policy of its own script.
    """
    answer = headers((await room.get(path)).headers)
    policy = dict(each.strip().split(" ", 1) for each in answer["Content-Security-Policy"].split(";"))
    is_loaded = path.endswith((".js", ".css")) and path != "/page/stream_worker.js"

    assert policy == ({"default-src": "'none'"} if is_loaded else POLICY)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_comes_from_a_third_party(name: str) -> None:
    """No file names another host, except for the namespace of SVG, which is not fetched."""
    text = (FOLDER / name).read_text().replace("http://www.w3.org/2000/svg", "")

    assert re.findall(r"https?:|[\"'(]//|\bwss?:|@import|\burl\([\"']?\w", text) == []


@pytest.mark.parametrize("name", TEXTS)
def test_addresses_are_relative(name: str) -> None:
    """No address in a file begins at the root of the site, so the page works below any path."""
    addresses = r"""(?:href|src)=["']/|"(?:id|start_url|scope|src)": "/|["'`]/(?:api|page|docs|openapi)\b|url\(/"""

    assert re.findall(addresses, (FOLDER / name).read_text()) == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_script_builds_html_from_strings(name: str) -> None:
    """No script builds HTML or code from strings, so messages stay text."""
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|\son\w+=|style="

    assert re.findall(sinks, (FOLDER / name).read_text()) == []


@pytest.mark.parametrize("path", ["/", "/page/page.js"])
async def test_an_unchanged_file_is_not_sent_again(path: str, room: Room) -> None:
    """The browser asks each time, and gets 304 if its copy is current."""
    first = headers((await room.get(path)).headers)
    again = await room.get(path, headers={"If-None-Match": f'"other", {first["ETag"]}'})

    assert first["Cache-Control"] == "no-cache"
    assert (again.status, again.raw, headers(again.headers)["ETag"]) == (304, b"", first["ETag"])


async def test_a_weak_etag_matches(room: Room) -> None:
    """Tags are compared weakly, as RFC 9110 asks: nginx marks those of compressed files as weak."""
    first = headers((await room.get("/")).headers)

    assert (await room.get("/", headers={"If-None-Match": f"W/{first['ETag']}"})).status == 304


@pytest.mark.parametrize("etag", ['"other"', "", "nonsense", 'W/"'])
async def test_another_etag_does_not_match(etag: str, room: Room) -> None:
    """A client with other content, or with a malformed tag, is sent the page."""
    assert (await room.get("/", headers={"If-None-Match": etag})).status == 200


@pytest.mark.parametrize(
    "name", ["nope.js", "PAGE.JS", "page.js~", "..", ".", "__init__.py", "..%2froutes.py", "%2e%2e%2froutes.py"]
)
async def test_other_files_are_not_served(name: str, room: Room) -> None:
    """Only the files of the pages are served, whatever the path contains."""
    async with room.http.get(URL(f"{room.running.url}/page/{name}", encoded=True)) as reply:
        assert (reply.status, (await reply.json())["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/docs"])
async def test_text_is_compressed_for_clients_that_accept_it(path: str, room: Room) -> None:
    """Text is sent compressed to clients that accept it and plain to others, with another ETag."""
    plain = await room.get(path, headers={"Accept-Encoding": "identity"})
    compressed = await room.get(path, headers={"Accept-Encoding": "gzip, deflate, br"})

    assert compressed.raw == plain.raw
    assert "Content-Encoding" not in headers(plain.headers)
    assert headers(compressed.headers)["Content-Encoding"] == "gzip"
    assert headers(compressed.headers)["ETag"] != headers(plain.headers)["ETag"]
    assert headers(compressed.headers)["Vary"] == headers(plain.headers)["Vary"]


@pytest.mark.parametrize(
    ("accept_encoding", "compressed"),
    [
        ("gzip;q=0", False),
        ("br, gzip ; q=0.000, *", False),
        ("gzip;q=0.5", True),
        ("gzip;q=0.01, br", True),
        ("GZIP", True),
    ],
)
async def test_a_weight_of_zero_forbids_gzip(accept_encoding: str, compressed: bool, room: Room) -> None:
    """Clients that name gzip in any form get it, except with a weight of zero (RFC 9110)."""
    answer = await room.get("/docs", headers={"Accept-Encoding": accept_encoding})

    assert ("Content-Encoding" in headers(answer.headers)) is compressed


async def test_pictures_are_not_compressed_again(room: Room) -> None:
    """Files that are compressed already are sent as they are."""
    assert "Content-Encoding" not in headers((await room.get("/page/preview.png")).headers)
