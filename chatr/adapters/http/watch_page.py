"""GET /, GET /docs and the files that these pages are made of."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.documents import served
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
HEADERS: Final = {
    "Cache-Control": "no-cache",
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


def load() -> dict[str, File]:
    """The pages' files by name, as they lie in the package."""
    found = ((path.name, path.read_bytes()) for path in (files(__package__) / "page").iterdir() if path.is_file())
    return {
        name: File(content, TYPES[name.rpartition(".")[2]])
        for name, content in found
        if name.rpartition(".")[2] in TYPES
    }


class Page:
    def __init__(self, node: Node, public_url: str) -> None:
        self._node = node
        self._files = load()
        page = self._files["index.html"].content.decode()
        self._index = lru_cache(1)(lambda _cursor: filled(page, node.room, public_url).encode())

    async def index(self, request: web.Request) -> web.Response:
        return served(request, self._index(self._node.room.cursor), TYPES["html"], HEADERS)

    async def docs(self, request: web.Request) -> web.Response:
        return self._answer(request, "docs.html")

    async def file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["file"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        file = self._files.get(name)
        if file is None:
            raise web.HTTPNotFound
        return served(request, file.content, file.type, HEADERS)
