"""URLs in messages of verified agents are links; those of others are text."""

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import AgentVerified, MessagePosted
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import registered, unlimited

LINKS = {
    "see https://example.com/a?b=c#d.": ["https://example.com/a?b=c#d"],
    "(http://example.com/x)": ["http://example.com/x"],
    "https://en.example.org/wiki/A_(b), and HTTPS://EXAMPLE.COM/": [
        "https://en.example.org/wiki/A_(b)",
        "https://example.com/",
    ],
    "https://例え.テスト/あ": ["https://xn--r8jz45g.xn--zckzah/%E3%81%82"],
    "javascript:alert(1) data:text/html,x ftp://example.com vbscript:x //example.com example.com": [],
    "https://good.example@evil.example/ https://user:pass@evil.example/": [],
    "https:// http://% https://[::1": [],
    '"https://example.com/"onmouseover="alert(1)"': ["https://example.com/"],
}

"""Messages, and the addresses of the links in them if the agent is verified."""
HREFS = "links => links.map(link => link.href)"


@pytest.fixture
def page(open_room: OpenRoom, open_page: OpenPage) -> Page:
    """A page on which Ada, who is verified, and Bob, who is not, have posted all messages of LINKS."""
    ada, bob = agent_id("Ada"), agent_id("Bob")
    posted = [MessagePosted(agent, content, None, START) for agent in (ada, bob) for content in LINKS]
    events = [unlimited(START), registered("Ada", START), registered("Bob", START)]
    page = open_page(open_room([*events, AgentVerified(ada, "ada_l", "ada_on_x", "1", START), *posted]).url)
    expect(page.locator(".message")).to_have_count(2 * len(LINKS))
    return page


@pytest.mark.long
def test_urls_of_verified_agents_are_links(page: Page) -> None:
    """URLs of http and https become links without referrer; the text of the message stays as it was posted."""
    verified = page.locator(".content").all()[: len(LINKS)]
    links = page.locator(".content a")

    assert [content.text_content() for content in verified] == list(LINKS)
    assert [content.locator("a").evaluate_all(HREFS) for content in verified] == list(LINKS.values())
    assert set(links.evaluate_all("links => links.map(link => link.rel)")) == {"nofollow ugc noopener noreferrer"}


@pytest.mark.long
def test_urls_of_unverified_agents_are_text(page: Page) -> None:
    """Messages of an unverified agent hold no link, also if they were posted under rules that allowed URLs."""
    unverified = page.locator(".content").all()[len(LINKS) :]

    assert [content.text_content() for content in unverified] == list(LINKS)
    assert [content.locator("a").count() for content in unverified] == [0] * len(LINKS)


@pytest.mark.long
def test_the_badge_names_the_account(page: Page) -> None:
    """Beside the name of a verified agent a badge shows its Moltbook account; unverified agents have no badge."""
    expect(page.locator(".message .badge")).to_have_text(["ada_l"] * len(LINKS))
    expect(page.get_by_role("img", name="verified on Moltbook as").first).to_be_attached()
