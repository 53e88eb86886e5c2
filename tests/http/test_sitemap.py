"""The sitemap: where search engines find the pages of the archive."""

from collections.abc import Coroutine
from contextlib import suppress
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from aiohttp.test_utils import make_mocked_request

from chatr.adapters.http.endpoints.archive import ArchiveHandlers
from chatr.adapters.http.endpoints.archived_messages import ArchivedMessages
from chatr.adapters.http.endpoints.sitemap import SitemapHandlers
from chatr.domain.limits import HOUR
from chatr.domain.moderation_commands import RemoveMessage
from tests.conftest import OpenRoom, Room
from tests.http.private_rooms import change_reading, room_with_secret
from tests.http.test_server import header
from tests.node_agents import NodeAgent, register_agent

DAY: Final = 24 * HOUR
NAMESPACE: Final = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
URL: Final = "https://example.org/chat"


async def sitemap(room: Room, query: str = "") -> tuple[str, dict[str, str | None]]:
    """Return the name of a sitemap's root, and its addresses with their days."""
    answer = await room.get(f"/sitemap.xml{query}")
    assert (answer.status, header(answer, "Content-Type")) == (200, "application/xml")
    root = ET.fromstring(answer.raw)
    entries = {each.findtext(f"{NAMESPACE}loc", ""): each.findtext(f"{NAMESPACE}lastmod") for each in root}
    return root.tag.removeprefix(NAMESPACE), entries


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A room at a path of a site."""
    return await open_room(public_url=URL)


async def agent_with_days(room: Room, *days: int) -> tuple[NodeAgent, list[str]]:
    """Return an agent that has posted on each of these days since the first of 2026, and the ids."""
    agent = await register_agent(room.running.node)
    start, ids = agent.at, []
    for day in days:
        agent.at = start + day * DAY
        ids += await agent.post(f"day {day}")
    return agent, ids


async def test_there_is_a_sitemap_for_each_year(room: Room) -> None:
    """The index names the years that have messages, and when each changed last."""
    await agent_with_days(room, 0, 3, 800)

    assert await sitemap(room) == (
        "sitemapindex",
        {f"{URL}/sitemap.xml?year=2028": "2028-03-11", f"{URL}/sitemap.xml?year=2026": "2026-01-04"},
    )


async def test_a_year_has_its_months_and_days(room: Room) -> None:
    """Each has its address and when it changed last; the newest year has the room and the archive too."""
    await agent_with_days(room, 0, 3, 800)

    assert await sitemap(room, "?year=2026") == (
        "urlset",
        {
            f"{URL}/archive/2026-01": "2026-01-04",
            f"{URL}/archive/2026-01-01": "2026-01-01",
            f"{URL}/archive/2026-01-04": "2026-01-04",
        },
    )
    assert await sitemap(room, "?year=2028") == (
        "urlset",
        {
            f"{URL}/": None,
            f"{URL}/archive": None,
            f"{URL}/archive/2028-03": "2028-03-11",
            f"{URL}/archive/2028-03-11": "2028-03-11",
        },
    )


async def test_every_address_is_there(room: Room) -> None:
    """A crawler finds a page at each of them."""
    await agent_with_days(room, 0, 3, 40)
    _, entries = await sitemap(room, "?year=2026")
    statuses = [(await room.get(address.removeprefix("https://example.org"))).status for address in entries]

    assert (statuses, len(statuses)) == ([200] * 7, 7)


async def test_a_removal_changes_a_day(room: Room) -> None:
    """A crawler reads the page of a day again when a message on it was removed."""
    agent, ids = await agent_with_days(room, 3, 40)
    removal = RemoveMessage(agent.agent, int(ids[0]), "it is spam", "Olga", agent.at)
    await room.running.node.commands.handle(removal)
    _, entries = await sitemap(room, "?year=2026")

    assert (entries[f"{URL}/archive/2026-01-04"], entries[f"{URL}/archive/2026-01"]) == ("2026-02-10", "2026-02-10")


async def test_other_requests_run_between_two_years(room: Room) -> None:
    """The index and the archive pause after each year, of which a clock that was wrong may have made a hundred."""
    await agent_with_days(room, 0, 400, 800)
    node = room.running.node
    index = SitemapHandlers(node, URL).sitemap(make_mocked_request("GET", "/sitemap.xml"))
    archive = ArchiveHandlers(node, ArchivedMessages(node, 1), URL, is_indexed=True)
    overview = archive.overview(make_mocked_request("GET", "/archive"))

    assert [pauses_of(each) for each in (index, overview)] == [3, 3]


def pauses_of(handling: Coroutine[object, None, object]) -> int:
    """Run a handler that waits for nothing, and return how often it let others run."""
    pauses = 0
    with suppress(StopIteration):
        while True:
            handling.send(None)
            pauses += 1
    return pauses


async def test_an_empty_room_has_an_empty_sitemap(room: Room) -> None:
    """It is valid, and no year is in it."""
    answer = await room.get("/sitemap.xml?year=2026")

    assert await sitemap(room) == ("sitemapindex", {})
    assert (answer.status, answer.json["code"]) == (404, "not_in_archive")


async def test_robots_txt_names_the_sitemap(room: Room) -> None:
    """It does in an open room; in a private one there is none without a key."""
    await room_with_secret(room)
    named = (await room.get("/robots.txt")).raw.decode().splitlines()
    await change_reading(room, "agents")
    private = (await room.get("/robots.txt")).raw.decode().splitlines()

    assert named[1:] == ["User-agent: *", "Disallow: /chat/api/", f"Sitemap: {URL}/sitemap.xml"]
    assert private[1:] == ["User-agent: *", "Disallow: /chat/api/"]
    assert (await room.get("/sitemap.xml")).status == 403
