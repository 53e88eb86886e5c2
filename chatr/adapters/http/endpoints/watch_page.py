"""GET / in each language, GET /docs, the files of these pages, and GET /client.js."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, cached_property, lru_cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web
from attrs import frozen

from chatr.adapters.http.conditional_response import content_response
from chatr.adapters.http.error_catalogue import NOT_FOUND, http_error
from chatr.adapters.http.page.catalogue import LANGUAGES, script_texts, text, translate
from chatr.adapters.http.page.joined_modules import joined_modules
from chatr.adapters.http.page.language import requested_language
from chatr.adapters.http.page.page_html import MAX_MESSAGES, NOINDEX, PREVIEW, render_page
from chatr.node.node import Node
from chatr.ports import LogUnavailable

CONTENT_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
DEMO_BANNER: Final = """</h1>
    <strong class="demo" title="{{page.demo-note}}">{{page.demo}}</strong>"""
"""Stands beside the name of the room."""
ACCEPTS_GZIP: Final = re.compile("gzip(?! *; *q=0([.]0*)? *(,|$))", re.IGNORECASE)
"""Matches an Accept-Encoding that allows gzip; a weight of zero forbids it (RFC 9110, 12.4.2)."""
HEADERS: Final = {
    # Messages are untrusted: even if markup got into the page, no script but the page's own would run.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types stream-worker"
    ),
    "Referrer-Policy": "no-referrer",
}
# For scripts and styles the policy of the page that loads them holds, and browsers ignore their own: with the long one,
# a first visit would transfer an eighth more. A worker, however, has the policy of its script.
LOADED_HEADERS: Final = {**HEADERS, "Content-Security-Policy": "default-src 'none'"}
"""Headers of scripts and styles that documents load."""
LOADED: Final = (".js", ".css")
WORKER: Final = "stream_worker.js"
LOADED_LATER: Final = frozenset(
    f"{name}.js"
    for name in (
        "agent_suggestions",
        "agent_view",
        "list_view",
        "moment_dialog",
        "notifications",
        "playback",
        "search_box",
        "search_failure",
        "search_form",
        "search_results",
        "search_view",
        "thread_view",
        "timeline_controls",
        "timeline_zoom",
        "view",
    )
)
"""Modules that a first visit does without. `loadLater` of texts.js loads them with their texts."""

CLIENT_MODULES: Final = ("timing", "errors", "fetch_stream", "stream", "progress", "following", "room")
"""The modules of `/client.js`. Each imports only from those before it."""
FOLLOWING: Final = frozenset({"progress", "following"})
"""The modules that the page does without: only `Room.follow` needs them."""
IMPORT: Final = re.compile('^import .* from "./[a-z_]+.js";\n', re.MULTILINE)

# They are for those who change the pages: without them, a first visit transfers an eighth less.
COMMENTS: Final = re.compile(rb"^[ \t]*(?://[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)[ \t]*\n", re.MULTILINE)
"""Comments in scripts and style sheets that have their lines to themselves."""

CLIENT_HEADERS: Final = {**HEADERS, "Access-Control-Allow-Origin": "*"}


@frozen
class PageFile:
    """A file of the pages."""

    content: bytes
    content_type: str
    headers: Mapping[str, str] = HEADERS

    @cached_property
    def gzipped(self) -> bytes:
        """The content, compressed once; without a time stamp, so that its ETag is the same on every node."""
        return compress(self.content, mtime=0)

    def response(self, request: web.BaseRequest) -> web.Response:
        """Return the file, compressed if it is text and the client accepts that."""
        # The compressed form gets another ETag, as RFC 9110, 8.8.3 asks: its bytes are different.
        if self.content_type.startswith("text/") and ACCEPTS_GZIP.search(request.headers.get("Accept-Encoding", "")):
            response = content_response(self.gzipped, self.content_type)
            response.headers[hdrs.CONTENT_ENCODING] = "gzip"
        else:
            response = content_response(self.content, self.content_type)
        response.headers.update(self.headers)
        return response


@cache
def load_files() -> Mapping[str, PageFile]:
    """Read the files of the pages from the package, by name, without comments. The rooms of a process share them.

    The client is among them as `client.js`, and the texts that scripts show as `texts.en.js` and so on, those of
    scripts that a first visit does not load as `texts_later.en.js`.
    """
    contents = {
        path.name: COMMENTS.sub(b"", path.read_bytes()) if path.name.endswith(LOADED) else path.read_bytes()
        for path in (files("chatr.adapters.http.page") / "static").iterdir()
        if path.is_file()
    }
    contents |= text_scripts({name: content.decode() for name, content in contents.items() if name.endswith(".js")})
    contents |= {f"site.{each}.webmanifest": web_manifest(contents["site.webmanifest"], each) for each in LANGUAGES}
    contents["client.js"] = COMMENTS.sub(b"", client_module(leaving_out=FOLLOWING).content)
    scripts = {name: content.decode() for name, content in contents.items() if name.endswith(".js")}
    joined = joined_modules(scripts, "page.js", separate=["client.js"])
    contents |= {name: script.encode() for name, script in joined.items()}
    return {
        name: PageFile(
            content,
            CONTENT_TYPES[name.rpartition(".")[2]],
            LOADED_HEADERS if name.endswith(LOADED) and name != WORKER else HEADERS,
        )
        for name, content in contents.items()
        if name.rpartition(".")[2] in CONTENT_TYPES
    }


def web_manifest(content: bytes, language: str) -> bytes:
    """Return the web manifest, given the English one, with name and description in a language."""
    texts = {"lang": language, "name": text(language, "page.title"), "description": text(language, "page.description")}
    return json.dumps(json.loads(content) | texts, ensure_ascii=False).encode()


def text_scripts(scripts: Mapping[str, str]) -> dict[str, bytes]:
    """Return the scripts with the texts that `scripts` show, by name: for each language one, and one for later."""
    at_once = "".join(content for name, content in scripts.items() if name not in LOADED_LATER)
    later = "".join(content for name, content in scripts.items() if name in LOADED_LATER)
    made = {f"texts.{language}.js": script_texts(language, at_once) for language in LANGUAGES}
    made |= {f"texts_later.{language}.js": script_texts(language, later) for language in LANGUAGES}
    return {name: content.encode() for name, content in made.items()}


@cache
def client_module(leaving_out: frozenset[str] = frozenset()) -> PageFile:
    """Return the client in JavaScript. Programs get it as one file, so its modules are joined into one."""
    folder = files("chatr.adapters.http.page") / "client"
    modules = [
        IMPORT.sub("", (folder / f"{name}.js").read_text("utf-8")) for name in CLIENT_MODULES if name not in leaving_out
    ]
    return PageFile("\n".join(modules).encode(), CONTENT_TYPES["js"], CLIENT_HEADERS)


def with_version(page: str, page_files: Mapping[str, PageFile]) -> str:
    """Return the watch page with the version of its scripts, so that tabs share a stream with their like only."""
    scripts = b"".join(file.content for name, file in sorted(page_files.items()) if name.endswith(".js"))
    return page.replace('data-version=""', f'data-version="{sha256(scripts).hexdigest()[:12]}"', 1)


class PageHandlers:
    """Handlers that return HTML pages and their files."""

    def __init__(self, node: Node, public_url: str, *, is_demo: bool, is_indexed: bool = True) -> None:
        self._node = node
        self._files = load_files()
        self._client = client_module()
        page = with_version(self._files["index.html"].content.decode(), self._files)
        if node.is_read_only:
            # The page then shows nobody how to join.
            page = page.replace("<html ", "<html data-read-only ", 1)
        if is_demo:
            page = page.replace("</h1>", DEMO_BANNER, 1)
        if not is_indexed:
            page = page.replace(PREVIEW, f"{NOINDEX}{PREVIEW}", 1)
        pages = {language: translate(page, language) for language in LANGUAGES}
        # Rendered once for each position of the log and language, however many clients request it.
        self._index = lru_cache(len(LANGUAGES))(
            lambda language, _cursor, _are_all_at_hand: PageFile(
                render_page(
                    pages[language], node.room, public_url, node.newest.at_hand(MAX_MESSAGES), language
                ).encode(),
                CONTENT_TYPES["html"],
            )
        )

    def forget_texts(self) -> None:
        """Forget the page, because texts were erased."""
        self._index.cache_clear()

    async def index(self, request: web.BaseRequest) -> web.Response:
        """Return the watch page with the newest messages, in the language that is requested."""
        newest = self._node.newest
        with suppress(LogUnavailable):
            await newest.load(MAX_MESSAGES)
        language = requested_language(request)
        return self._index(language, self._node.room.cursor, newest.are_at_hand(MAX_MESSAGES)).response(request)

    async def docs(self, request: web.BaseRequest) -> web.Response:
        """Return the page that shows the OpenAPI document."""
        return self._files["docs.html"].response(request)

    async def client(self, request: web.BaseRequest) -> web.Response:
        """Return the client in JavaScript, which pages of other sites may import."""
        return self._client.response(request)

    async def file(self, request: web.BaseRequest) -> web.Response:
        """Return a file of the pages. Raises HttpError."""
        # Names are looked up among those loaded at start; no path of the file system is built from a request.
        file = self._files.get(request.path.removeprefix("/page/"))
        if file is None:
            raise http_error(NOT_FOUND)
        return file.response(request)
