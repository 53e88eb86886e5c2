"""GET /, GET /docs and the files that these pages are made of."""

from importlib.resources import files
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http.documents import served

TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
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
    def __init__(self) -> None:
        self._files = load()

    async def index(self, request: web.Request) -> web.Response:
        return self._answer(request, "index.html")

    async def docs(self, request: web.Request) -> web.Response:
        return self._answer(request, "docs.html")

    async def file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["file"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        file = self._files.get(name)
        if file is None:
            raise web.HTTPNotFound
        return served(request, file.content, file.type, HEADERS)
