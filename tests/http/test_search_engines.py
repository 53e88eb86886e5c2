"""--search-engines: whether search engines may list the pages of a room."""

import pytest

from chatr.adapters.http.headers import belongs_to_api
from chatr.adapters.http.routes import ROUTES
from tests.conftest import OpenRoom, Room
from tests.http.test_caching import filled
from tests.http.test_server import header

META = b'<meta name="robots" content="noindex">'
PATHS = [filled(route.path) for route in ROUTES if route.method == "GET" and route.path != "/api/stream"]


@pytest.fixture
async def denying(open_room: OpenRoom) -> Room:
    """A room that no search engine may list."""
    return await open_room(search_engines="deny")


async def test_by_default_search_engines_may_list_a_room(room: Room) -> None:
    """No response forbids it, and no page does."""
    answers = [await room.get(path) for path in PATHS]

    assert {header(answer, "X-Robots-Tag") for answer in answers} == {None}
    assert [path for path, answer in zip(PATHS, answers, strict=True) if META in answer.raw] == []


async def test_every_page_says_that_it_is_not_to_be_listed(denying: Room) -> None:
    """What is outside of the API has the header, errors and unchanged pages included; HTML says the same."""
    paths = [path for path in PATHS if not belongs_to_api(path)]
    answers = [await denying.get(path) for path in paths]
    page = await denying.get("/")
    again = await denying.get("/", headers={"If-None-Match": header(page, "ETag")})

    assert {header(answer, "X-Robots-Tag") for answer in answers} == {"noindex"}
    assert (again.status, header(again, "X-Robots-Tag"), META in page.raw) == (304, "noindex", True)


async def test_robots_txt_does_not_hide_that_a_page_is_not_to_be_listed(denying: Room) -> None:
    """Crawlers may read pages in such a room too, or they would list addresses that other sites link to."""
    rules = (await denying.get("/robots.txt")).raw.decode().splitlines()

    assert rules[1:] == ["User-agent: *", "Disallow: /api/"]
