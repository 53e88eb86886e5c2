"""The large room without JavaScript: its archive, feeds, sitemap and previews of links."""

import re
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
import requests
from playwright.sync_api import expect

from chatr.domain.limits import HOUR
from tests.browser.conftest import OpenPage
from tests.browser.large_room_facts import POSTED, LargeLog
from tests.browser.large_room_plan import BUSY_HOUR, DAY, SILENCES
from tests.browser.large_room_server import LargeRoom

ATOM: Final = "{http://www.w3.org/2005/Atom}"
SITEMAP: Final = "{http://www.sitemaps.org/schemas/sitemap/0.9}"

pytestmark = pytest.mark.long


def get(room: LargeRoom, path: str) -> str:
    """Return what is served at a path."""
    response = requests.get(f"{room.url}{path}", timeout=60)
    response.raise_for_status()
    return response.text


def date_of(at: int) -> str:
    """The day of a time, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def test_the_archive_leads_to_every_message(large_room: LargeRoom, log: LargeLog, open_page: OpenPage) -> None:
    """Links lead from the years to a month, to its busiest day of twenty thousand messages, through the pages of that
    day, and to a message. Days without messages are no links.
    """
    busy = log.begin_of(0) + BUSY_HOUR * HOUR
    page = open_page(f"{large_room.url}/archive", java_script_enabled=False)
    expect(page.get_by_role("heading", level=2)).to_have_text(["2026", "2025", "2024"])
    page.get_by_role("link", name=date_of(busy)[:7], exact=True).click()
    hidden = log.hidden_between(busy // DAY * DAY, busy // DAY * DAY + DAY)
    count = len(log.messages("at >= ? and at < ?", busy // DAY * DAY, busy // DAY * DAY + DAY)) - hidden
    assert count > 20_000
    day = page.locator(f"a[href$='archive/{date_of(busy)}']").first
    expect(day.locator("..")).to_contain_text(f"{count:,}")
    day.click()
    first = page.locator("main li[id^=m-]").first
    shown = str(first.get_attribute("id"))
    page.get_by_role("link", name="Last page").first.click()
    expect(first).not_to_have_id(shown)
    last = log.last_before(busy // DAY * DAY + DAY)
    expect(page.locator("main li[id^=m-]").last).to_have_id(f"m-{last.position}")
    page.locator("main li[id^=m-]").last.get_by_role("link", name=re.compile("UTC$")).click()
    expect(page.locator("[aria-current] .content")).to_have_text(last.content or "")
    silent = date_of(log.begin_of(SILENCES[0].start + 4))
    page.goto(f"{large_room.url}/archive/{silent[:7]}")

    assert page.locator("main a[href*='archive/20']").count() > 5
    assert page.locator(f"a[href$='archive/{silent}']").count() == 0


def test_feeds_reach_back(large_room: LargeRoom, log: LargeLog) -> None:
    """The feeds of the room and of an agent have its newest messages, and each page of them names the next one."""
    name = log.busiest_agent(log.begin_of(600))
    for folder in ("", f"/agents/{name}"):
        newest = get_json_feed(large_room, f"{folder}/feed.json")
        older = get_json_feed(large_room, newest["next_url"].removeprefix(large_room.url))
        ids = [int(each["url"].rpartition("/")[2]) for each in (*newest["items"], *older["items"])]
        assert ids == sorted(set(ids), reverse=True)
        assert len(ids) == 2 * len(newest["items"]) > 20
        atom = ET.fromstring(get(large_room, f"{folder}/feed.xml"))
        entries = [entry.findtext(f"{ATOM}id") for entry in atom.iter(f"{ATOM}entry")]
        assert entries == [each["id"] for each in newest["items"]]
        if folder:
            assert {author["name"] for each in newest["items"] for author in each["authors"]} == {name}


def get_json_feed(room: LargeRoom, path: str) -> dict[str, Any]:
    """Return a JSON Feed."""
    response = requests.get(f"{room.url}{path}", timeout=60)
    assert response.headers["Content-Type"].startswith("application/feed+json")
    found: dict[str, Any] = response.json()
    return found


def test_the_sitemap_has_every_day(large_room: LargeRoom, log: LargeLog) -> None:
    """The sitemaps of all years name each day that has messages, and no other day."""
    index = ET.fromstring(get(large_room, "/sitemap.xml"))
    found = set()
    for place in index.iter(f"{SITEMAP}loc"):
        year = ET.fromstring(get(large_room, str(place.text).removeprefix(large_room.url)))
        found |= {str(each.text).rpartition("/")[2] for each in year.iter(f"{SITEMAP}loc")}
    days = {date_of(at * DAY) for (at,) in log.rows(f"select distinct at / {DAY} from log where {POSTED}")}

    assert {each for each in found if re.fullmatch(r"\d{4}-\d\d-\d\d", each)} == days


def test_previews_of_permalinks(large_room: LargeRoom, log: LargeLog) -> None:
    """A permalink has Open Graph fields with the text; those of removed and erased messages say so and have no text."""
    topic, removed, erased = log.topic(), log.removed(), log.erased()
    texts = {each: get(large_room, f"/messages/{each}") for each in (topic, removed, erased)}
    previews = {
        each: dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', text)) for each, text in texts.items()
    }
    contents = {each: str(log.messages("position = ?", each)[0].content) for each in (topic, removed)}

    assert previews[topic]["description"] == contents[topic]
    assert previews[topic]["url"] == f"{large_room.url}/messages/{topic}"
    assert contents[removed] not in texts[removed]
    assert "removed" in texts[removed]
    assert "erased" in texts[erased]
