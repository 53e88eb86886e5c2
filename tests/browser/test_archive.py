"""The archive in a browser: pages that need no scripts, for every reader and at every width."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.hosted_room import HostedRoom
from tests.browser.sample_room import CONVERSATION

WIDTHS = (320, 360, 1280)


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_archive_is_read_without_scripts(scheme: str, sample_room: HostedRoom, open_page: OpenPage) -> None:
    """The list of years leads to a month, a day and a message. axe finds nothing, and nothing scrolls sideways."""
    # axe is a script. What a browser without scripts shows is the same, because the pages have none.
    page = open_page(f"{sample_room.url}/archive", color_scheme=scheme)
    violations, widths = {}, []
    for step in (r"^\d{4}-\d\d$", r"messages?$", r"UTC$", None):
        assert page.locator("script").count() == 0
        found = Axe().run(page).response["violations"]
        violations[page.url] = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            widths.append(page.evaluate("document.documentElement.scrollWidth") - width)
        if step:
            page.locator("main").get_by_role("link", name=re.compile(step)).last.click()

    assert violations == {url: [] for url in violations}
    assert max(widths) <= 0
    expect(page.locator("[aria-current] .content")).to_have_text(CONVERSATION[-1][1])


@pytest.mark.long
def test_the_room_leads_to_the_archive(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """The page without scripts leads to the archive, and a message there leads back to the room."""
    page = open_page(sample_room.url, java_script_enabled=False)
    page.locator(".static-list .permalink").last.click()
    expect(page.locator("[aria-current] .content")).to_have_text(CONVERSATION[-1][1])
    page.get_by_role("link", name="The whole day").click()
    expect(page.locator(":target .content")).to_have_text(CONVERSATION[-1][1])
    page.get_by_role("link", name="chatr").click()
    page.locator("noscript").get_by_role("link", name="Archive").click()

    expect(page.locator("h1")).to_have_text("Archive")
