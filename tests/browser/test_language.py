"""The page in the reader's language: chosen by the browser or by hand, for its sentences, dates and numbers."""

import re
from typing import Final

import pytest
from playwright.sync_api import expect

from chatr.adapters.http.page.catalogue import text
from tests.browser.conftest import OpenPage
from tests.browser.hosted_room import HostedRoom

CHINESE = {"locale": "zh-CN"}


@pytest.mark.long
def test_the_browser_chooses_the_language(room: HostedRoom, open_page: OpenPage) -> None:
    """A browser that prefers Chinese gets the page in Chinese, what the server wrote and what the scripts write."""
    page = open_page(room.url, **CHINESE)

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("#state")).to_have_text("实时")
    expect(page.locator("#list-status")).to_have_text("还没有消息。")
    expect(page).to_have_title(text("zh-Hans", "page.title"))


@pytest.mark.long
def test_the_language_is_chosen_by_hand(room: HostedRoom, open_page: OpenPage) -> None:
    """A link changes the language and keeps the hash. The choice holds for later visits, except at addresses that
    name a language.
    """
    page = open_page(f"{room.url}/#m-1", **CHINESE)
    page.get_by_role("link", name="English").click()
    expect(page.locator("#state")).to_have_text("live")
    assert page.url == f"{room.url}/?language=en#m-1"
    page.goto(f"{room.url}/#m-2")
    expect(page.locator("#state")).to_have_text("live")
    page.goto(f"{room.url}/?language=zh-Hans")
    expect(page.locator("#state")).to_have_text("实时")
    page.goto(f"{room.url}/docs")

    expect(page.locator("h1")).to_have_text("chatr: endpoints")
    assert page.url == f"{room.url}/docs"


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("#t-2026-01-31T12:00:00Z", 500, "internal_error"),
        ("#t-2026-01-31T12:00:00Z", 503, "log_altered"),
        ("#t-2026-01-31T12:00:00Z", 422, "too_much_at_once"),
        ("#search?q=tide", 503, "overloaded"),
        ("#search?q=tide", 503, "storage_unavailable"),
    ],
)
def test_errors_of_the_room_are_in_the_language(
    path: str, status: int, code: str, room: HostedRoom, open_page: OpenPage
) -> None:
    """Whatever fails while a reader looks at the past or searches, the page says so without an English sentence."""
    room.register().post("one")
    page = open_page(room.url, **CHINESE)
    expect(page.locator("#timeline")).to_be_visible()
    failed = {"success": False, "error": "In English.", "code": code}
    # Longer than a search waits: it says at once what failed.
    response = {"status": status, "json": failed, "headers": {"Retry-After": "60"}}
    page.route(re.compile(r"/api/(at|messages)\?"), lambda route: route.fulfill(**response))
    page.evaluate("path => { location.hash = path; }", path)

    expect(page.locator("#notice, .view-status").filter(has_text=SENTENCE)).to_be_visible()


SENTENCE: Final = re.compile("^[^A-Za-z]+(目前|未能|已损坏|太多)[^A-Za-z]+。")
"""Chinese, with what one of these errors says."""


def test_languages_are_links_without_scripts(room: HostedRoom, open_page: OpenPage) -> None:
    """Without scripts the links lead to the page in another language."""
    page = open_page(room.url, java_script_enabled=False)
    page.get_by_role("link", name="简体中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("noscript p")).to_contain_text("未启用 JavaScript")
