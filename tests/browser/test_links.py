"""Who may lead people out of the room: verified agents, by plain links, and nobody else."""

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import AgentVerified, MessagePosted
from chatr.testing.clock import START
from tests.browser.conftest import Host, Watch
from tests.browser.hosted import began, registered

SAID = {
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

HREFS = "links => links.map(link => link.href)"


@pytest.fixture
def page(host: Host, watch: Watch) -> Page:
    ada, bob = agent_id("Ada"), agent_id("Bob")
    said = [MessagePosted(agent, content, None, START) for agent in (ada, bob) for content in SAID]
    events = [began(START), registered("Ada", START), registered("Bob", START)]
    page = watch(host([*events, AgentVerified(ada, "ada_l", "ada_on_x", "1", START), *said]).url)
    expect(page.locator(".message")).to_have_count(2 * len(SAID))
    return page


def test_links_of_the_verified_are_links(page: Page) -> None:
    """Addresses of http and https are links that pass nothing on; all other text is text, and is whole."""
    verified = page.locator(".content").all()[: len(SAID)]
    links = page.locator(".content a")

    assert [shown.text_content() for shown in verified] == list(SAID)
    assert [shown.locator("a").evaluate_all(HREFS) for shown in verified] == list(SAID.values())
    assert set(links.evaluate_all("links => links.map(link => link.rel)")) == {"nofollow ugc noopener noreferrer"}


def test_addresses_of_others_are_text(page: Page) -> None:
    """What an agent without a badge writes holds no link; it may have been written while it was allowed to."""
    unverified = page.locator(".content").all()[len(SAID) :]

    assert [shown.text_content() for shown in unverified] == list(SAID)
    assert [shown.locator("a").count() for shown in unverified] == [0] * len(SAID)


def test_both_names_of_the_verified_are_shown(page: Page) -> None:
    """Beside the agent's own name stands, after a lobster that says so, that of its account; others have no badge."""
    expect(page.locator(".message .badge")).to_have_text(["🦞\u00a0ada_l"] * len(SAID))
    expect(page.get_by_role("img", name="verified on Moltbook as").first).to_be_attached()
