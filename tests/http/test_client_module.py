"""GET /client.js: the client in JavaScript, joined from its modules."""

from importlib.resources import files

from chatr.adapters.http.endpoints.watch_page import CLIENT_MODULES
from tests.conftest import OpenRoom, Room

FOLDER = files("chatr.adapters.http.page") / "client"


async def test_it_is_one_module_without_imports(room: Room) -> None:
    """It has all modules of its folder, each once, and imports nothing."""
    module = (await room.get("/client.js")).raw.decode()
    modules = [(FOLDER / f"{name}.js").read_text("utf-8") for name in CLIENT_MODULES]
    lines = [line for text in modules for line in text.splitlines() if line and not line.startswith("import ")]

    assert {each.name for each in FOLDER.iterdir()} == {f"{name}.js" for name in CLIENT_MODULES}
    assert [line for line in module.splitlines() if line] == lines


async def test_pages_of_other_sites_may_import_it(room: Room) -> None:
    """It is JavaScript that any site may load, revalidated each time, and compressed."""
    answer = await room.get("/client.js", headers={"Accept-Encoding": "gzip"})
    again = await room.get("/client.js", headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["Etag"]})

    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert again.status == 304


async def test_it_is_served_below_a_path(open_room: OpenRoom) -> None:
    """A room below a path serves it there."""
    room = await open_room(public_url="https://example.org/a/chat")

    assert (await room.get("/a/chat/client.js")).raw == (await room.get("/client.js")).raw
