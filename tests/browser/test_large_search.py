"""Search, agents, threads and removed messages in the large room: each is found in two years of a million messages."""

import re
from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.timestamps import iso_timestamp
from tests.browser.conftest import OpenPage
from tests.browser.large_room_events import OPERATOR, RARE_WORD
from tests.browser.large_room_facts import LargeLog
from tests.browser.large_room_plan import DAY, DAYS
from tests.browser.large_room_server import LargeRoom

RARE: Final = f'%"content":"%{RARE_WORD}%'

pytestmark = pytest.mark.long


@pytest.fixture
def page(large_room: LargeRoom, open_page: OpenPage) -> Page:
    """The page of the large room."""
    page = open_page(large_room.url, timezone_id="UTC", locale="en-GB")
    expect(page.locator("#state")).to_have_text("live")
    return page


def results(page: Page) -> list[str]:
    """The ids of the results, in their order."""
    return [str(each.get_attribute("id")) for each in page.locator(".results > .message").all()]


def test_a_word_of_three_messages(page: Page, log: LargeLog) -> None:
    """A word that three of a million messages have is found, with context. A result leads to its place in the log, and
    the browser back to the results, whose address opens them again. At a moment of the past only older ones are found.
    """
    found = log.messages("data like ? order by position desc", RARE)
    assert len(found) == 3
    page.keyboard.press("/")
    page.keyboard.type(RARE_WORD)
    page.keyboard.press("Enter")
    expect(page.locator(".view-status")).to_have_text("3 messages were found.")
    assert results(page) == [f"result-{each.position}" for each in found]
    expect(page.locator(".results mark")).to_have_text([RARE_WORD] * 3)
    page.get_by_role("button", name="Context").nth(1).click()
    before = log.messages("position < ? order by position desc limit 1", found[1].position)[0]
    expect(page.locator(".context li")).to_have_count(5)
    expect(page.locator(f".context a[href='#m-{before.position}']")).to_be_visible()
    page.locator(".results .permalink").nth(1).click()
    expect(page.locator(f"#m-{found[1].position}.target")).to_be_focused()
    expect(page.locator(f"#m-{before.position}")).to_be_visible()
    page.go_back()
    expect(page.locator(".results > .message")).to_have_count(3)
    page.reload()
    expect(page.locator(".results > .message")).to_have_count(3)
    page.goto(f"{page.url.partition('#')[0]}#t-{iso_timestamp(found[0].at - 1)}")
    expect(page.locator("#state")).to_have_text("in the past")
    page.get_by_role("combobox", name="Search").fill(RARE_WORD)
    page.keyboard.press("Enter")
    expect(page.locator(".view-status")).to_have_text("2 messages were found.")

    assert page.url.endswith(f"#search?q={RARE_WORD}&at={quote(iso_timestamp(found[0].at - 1))}")
    assert results(page) == [f"result-{each.position}" for each in found[1:]]


def test_messages_of_an_agent_on_a_day(page: Page, log: LargeLog) -> None:
    """The fields of a search choose an agent and days; all its messages of these days are found, page by page."""
    day = log.begin_of(600)
    name = log.busiest_agent(day)
    found = [each for each in log.of_agent(name) if day <= each.at < day + DAY]
    page.goto(f"{page.url}#search?from={name}")
    for label in ("First day", "Last day"):
        page.get_by_label(label).fill(iso_timestamp(day)[:10])
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile("since=.*until="))
    expect(page.locator(".results > .message").first).to_have_id(f"result-{found[-1].position}")
    while (older := page.get_by_role("button", name="Older results")).is_visible():
        count = page.locator(".results > .message").count()
        older.click()
        expect(page.locator(".results > .message").nth(count)).to_be_attached()

    assert results(page) == [f"result-{each.position}" for each in reversed(found)]


def test_an_agent_that_left_long_ago(page: Page, log: LargeLog) -> None:
    """The search box finds an agent that is not online. Its view has what the room knows, and all its messages to the
    first one.
    """
    name = log.agent_without_messages_since(log.begin_of(DAYS - 30))
    messages = log.of_agent(name)
    page.keyboard.press("/")
    page.keyboard.type(name[:-2])
    expect(page.get_by_role("option", name=name)).not_to_contain_text("online")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#found-agents [aria-selected=true]")).to_contain_text(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_focused()
    expect(page).to_have_url(re.compile(f"#agent-{name}$"))
    facts = (
        rf"Last active.*Registered.*Messages\d+.*Replies to it\d+.*First message#{messages[0].position}.*Key changed"
    )
    expect(page.locator(".facts")).to_have_text(re.compile(facts))
    while not page.locator(f"#m-{messages[0].position}").count():
        first = str(page.locator("#messages .message").first.get_attribute("id"))
        page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = 0; }")
        expect(page.locator("#messages .message").first).not_to_have_id(first)

    expect(page.locator("#list-status")).to_have_text("This is its first message.")
    ids = page.locator("#messages .message").evaluate_all("all => all.map(({ id }) => id)")
    assert ids == [f"m-{each.position}" for each in messages]


def test_mentions_and_replies_of_a_busy_agent(page: Page, log: LargeLog) -> None:
    """Tabs of an agent's view have the newest of thousands of mentions and replies."""
    name = log.busiest_agent(log.begin_of(DAYS - 2))
    page.goto(f"{page.url}#agent-{name}")
    page.get_by_role("link", name="Mentions", exact=True).click()
    newest = log.messages("data like ? order by position desc limit 1", f'%"content":"%@{name} %')[0]
    expect(page.locator("#messages .message").last).to_have_id(f"m-{newest.position}")
    expect(page.locator("#messages .message").last.locator(".mention")).to_have_text(f"@{name}")
    page.get_by_role("link", name="Replies to it", exact=True).click()
    reply = log.newest_reply_to(name)
    expect(page.locator("#messages .message").last).to_have_id(f"m-{reply.position}")

    quoted = page.locator("#messages .message").last.locator("[data-quoted]")
    expect(quoted).to_have_attribute("data-quoted", str(reply.reply_to))


def test_a_thread_of_thousands_of_replies(page: Page, log: LargeLog) -> None:
    """A thread has the replies in their order, however many messages are between them; quotes and ids lead on."""
    topic = log.topic()
    replies = log.replies_to(topic)
    assert len(replies) > 1_000
    page.goto(f"{page.url}#thread-{topic}")
    expect(page.locator(f"#m-{topic}.target")).to_be_focused()
    while page.locator("#messages .message").count() < 150:
        last = str(page.locator("#messages .message").last.get_attribute("id"))
        page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = scroller.scrollHeight; }")
        expect(page.locator("#messages .message").last).not_to_have_id(last)
    ids = page.locator("#messages .message").evaluate_all("all => all.map(({ id }) => id)")
    below = ids[ids.index(f"m-{topic}") + 1 :]
    shown = [each.position for each in replies[: len(below)]]
    assert below == [f"m-{each}" for each in shown]
    page.locator(f"#m-{shown[50]} .permalink").click()
    expect(page.locator(f"#m-{shown[50]}.target")).to_be_focused()
    page.locator(f"#m-{shown[50]} .quote [data-quoted='{topic}']").click()
    expect(page.locator(f"#m-{topic}.target")).to_be_focused()
    reference = log.messages("data like '%As in #%' order by position limit 1")[0]
    number = str(reference.content).rpartition("#")[2].strip(".")
    page.goto(f"{page.url.partition('#')[0]}#m-{reference.position}")
    page.get_by_role("link", name=f"#{number}", exact=True).first.click()

    expect(page.locator(f"#m-{number}.target")).to_be_focused()


def test_removed_and_erased_messages(page: Page, log: LargeLog) -> None:
    """A permalink shows a removed message as such, with who removed it and why, and an erased one as erased."""
    for position, words in ((log.removed(), f"^Removed by {OPERATOR}: .+"), (log.erased(), "^Erased: .+")):
        page.goto(f"{page.url.partition('#')[0]}#m-{position}")
        expect(page.locator(f"#m-{position}.target .content")).to_have_text(re.compile(words))
        assert page.locator("#messages .message").count() > 50
