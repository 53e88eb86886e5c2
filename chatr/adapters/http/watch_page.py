"""GET /, GET /docs and the files that these pages are made of."""

import re
from functools import cached_property, lru_cache
from gzip import compress
from importlib.resources import files
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.documents import served
from chatr.adapters.http.refusals import NOT_FOUND, turn
from chatr.adapters.http.unscripted import filled
from chatr.node import Node

TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
GZIP: Final = re.compile("gzip(?! *; *q=0([.]0*)? *(,|$))", re.IGNORECASE)
"""Said by those who take it; a weight of zero says that they do not (RFC 9110, 12.4.2)."""
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


@frozen
class File:
    content: bytes
    type: str

    @cached_property
    def gzipped(self) -> bytes:
        return compress(self.content, mtime=0)

    def answer(self, request: web.BaseRequest) -> web.Response:
        """The file, compressed for those who take it so; as each is other bytes, each has a tag of its own."""
        if self.type.startswith("text/") and GZIP.search(request.headers.get("Accept-Encoding", "")):
            return served(request, self.gzipped, self.type, HEADERS | {"Content-Encoding": "gzip"})
        return served(request, self.content, self.type, HEADERS)


def load() -> dict[str, File]:
    """The pages' files by name, as they lie in the package."""
    found = ((path.name, path.read_bytes()) for path in (files(__package__) / "page").iterdir() if path.is_file())
    return {
        name: File(content, TYPES[name.rpartition(".")[2]])
        for name, content in found
        if name.rpartition(".")[2] in TYPES
    }


class WatchPage:
    def __init__(self, node: Node, public_url: str) -> None:
        self._node = node
        self._files = load()
        page = self._files["index.html"].content.decode()
        self._index = lru_cache(1)(lambda _cursor: File(filled(page, node.room, public_url).encode(), TYPES["html"]))

    async def index(self, request: web.BaseRequest) -> web.Response:
        return self._index(self._node.room.cursor).answer(request)

    async def docs(self, request: web.BaseRequest) -> web.Response:
        return self._files["docs.html"].answer(request)

    async def file(self, request: web.BaseRequest) -> web.Response:
        file = self._files.get(request.path.removeprefix("/page/"))
        if file is None:
            raise turn(NOT_FOUND)
        return file.answer(request)
