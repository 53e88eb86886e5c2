"""The search box and the view of a search: messages by words, agent and days, in the present and the past."""

import json
import re
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import HOUR
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.conftest import OWN_STREAM, OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.browser.private_room import private
from tests.browser.test_removed import at_node
from tests.moderation import REASON, remove

ADA, BOB = agent_id("Ada"), agent_id("Bob")
DAY: Final = 24 * HOUR
DAYS: Final = 80
HOSTILE: Final = "<img src=x onerror=alert(1)> Café \u202etide"


def eighty_days() -> list[Event]:
    """Each day Ada writes of a tide and Bob answers an hour later; the last message is hostile."""
    days = [
        MessagePosted(author, text.format(day), None, START + day * DAY + hour * HOUR)
        for day in range(DAYS)
        for author, text, hour in ((ADA, "The tide of day {}", 0), (BOB, "Thanks, {}", 1))
    ]
    last = MessagePosted(BOB, HOSTILE, None, START + DAYS * DAY)
    return [unlimited(START), registered("Ada", START), registered("Bob", START), *days, last]


@pytest.fixture
def searched(open_room: OpenRoom) -> HostedRoom:
    return open_room(eighty_days())


def contents(page: Page) -> list[str]:
    return page.locator(".results .content").all_text_contents()


def status(page: Page) -> str:
    return page.locator(".view-status").text_content() or ""


@pytest.mark.long
def test_a_search_by_keyboard(searched: HostedRoom, open_page: OpenPage) -> None:
    """The key / leads to the box, Enter to the newest results with the words marked, Escape back to the room."""
    page = open_page(searched.url)
    expect(page.locator(".content").last).to_have_text(HOSTILE)
    page.keyboard.press("/")
    page.keyboard.type("TIDE from:Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search")).to_be_focused()
    expect(page.locator(".results .content")).to_have_count(30)

    assert contents(page)[:2] == ["The tide of day 79", "The tide of day 78"]
    assert set(page.locator(".results mark").all_text_contents()) == {"tide"}
    assert page.url.endswith("/#search?q=TIDE&from=Ada")
    assert status(page) == "The newest 30 messages that were found. Older ones follow below."
    page.keyboard.press("Escape")
    expect(page.locator(".view")).to_have_count(0)
    expect(page.locator("#scroller")).to_be_visible()
    assert page.url.endswith(":" + page.url.rpartition(":")[2].strip("/") + "/")


@pytest.mark.long
def test_closing_a_search_on_a_phone(searched: HostedRoom, open_page: OpenPage) -> None:
    """When a search is closed, the messages have the focus: in the box, it would open the keyboard."""
    page = open_page(searched.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.locator("#query").fill("tide")
    page.locator("#query").press("Enter")
    expect(page.locator(".results .content").first).to_be_visible()
    page.get_by_role("link", name="Back to the room").tap()

    expect(page.locator(".view")).to_have_count(0)
    expect(page.locator("#scroller")).to_be_focused()


@pytest.mark.long
def test_going_back_leads_to_the_same_place(searched: HostedRoom, open_page: OpenPage) -> None:
    """Older results follow the newest, and the first of them has the focus. From a message in its place, the browser
    goes back to the result.
    """
    page = open_page(f"{searched.url}/#search?q=tide")
    for count in (30, 60, 81):
        expect(page.locator(".results .content")).to_have_count(count)
        if count < 81:
            page.get_by_role("button", name="Older results").click()
            expect(page.locator(".results > .message").nth(count)).to_be_focused()
    expect(page.get_by_role("button", name="Older results")).to_be_hidden()
    result = page.locator(".results > .message").nth(70)
    result.scroll_into_view_if_needed()
    place = page.locator(".view").evaluate("view => view.scrollTop")
    result.locator(".permalink").click()
    expect(page.locator("#messages .target .content")).to_have_text("The tide of day 10")
    expect(page.locator("#messages .target")).to_be_focused()
    page.go_back()

    expect(page.locator(".results .content")).to_have_count(81)
    expect(result).to_be_focused()
    assert abs(page.locator(".view").evaluate("view => view.scrollTop") - place) < 2
    page.reload()
    expect(page.locator(".results .content")).to_have_count(30)
    expect(page.get_by_role("combobox", name="Search")).to_have_value("tide")


@pytest.mark.long
def test_the_newest_results_leave_the_page(open_room: OpenRoom, open_page: OpenPage) -> None:
    """The page has 300 results at most. The first that is left has its day, and can be reached with the Tab key."""
    posted = [MessagePosted(ADA, f"tide {number}", None, START + number) for number in range(320)]
    page = open_page(f"{open_room([unlimited(START), registered('Ada', START), *posted]).url}/#search?q=tide")
    for count in range(30, 330, 30):
        expect(page.locator(".results .content").last).to_have_text(f"tide {320 - count}")
        page.get_by_role("button", name="Older results").click()
    expect(page.locator(".results .content").last).to_have_text("tide 0")
    results = page.locator(".results > *")

    assert results.count() in (300, 301)
    assert "day" in (results.first.get_attribute("class") or "")
    expect(page.locator(".results > .message[tabindex='0']")).to_have_count(1)


@pytest.mark.long
def test_a_search_by_agent_and_days(searched: HostedRoom, open_page: OpenPage) -> None:
    """The fields choose an agent and days, of the reader's time zone; without words all such messages are found."""
    page = open_page(f"{searched.url}/#search?q=tide", timezone_id="Asia/Tokyo")
    first, last = (iso_timestamp(START + day * DAY + 9 * HOUR)[:10] for day in (3, 5))
    page.get_by_label("First day").fill(first)
    page.get_by_label("Last day").fill(last)
    page.get_by_label("From agent").fill("Ada")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".results .content")).to_have_text([f"The tide of day {day}" for day in (5, 4, 3)])
    expect(page.locator(".view-status")).to_have_text("3 messages were found.")
    page.goto(f"{searched.url}/#search?from=Bob&since={first}&until={last}")

    expect(page.locator(".results .content")).to_have_text([f"Thanks, {day}" for day in (5, 4, 3)])


@pytest.mark.long
def test_the_context_of_a_result(searched: HostedRoom, open_page: OpenPage) -> None:
    """A button shows the two messages before a result and the two after it, as links, and hides them again."""
    page = open_page(f"{searched.url}/#search?q={quote('day 40')}")
    button = page.get_by_role("button", name="Context")
    button.focus()
    page.keyboard.press("Enter")
    lines = ["The tide of day 39", "Thanks, 39", "The tide of day 40", "Thanks, 40", "The tide of day 41"]
    authors = ["Ada", "Bob", "Ada", "Bob", "Ada"]

    expect(page.locator(".context li")).to_have_text([f"{a}: {b}" for a, b in zip(authors, lines, strict=True)])
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".context")).to_have_count(0)


SENTENCES: Final = {
    "q=seaweed": "No message has all these words.",
    "q=...": "There is nothing to search for.",
    "q=" + "+".join(f"word{number}" for number in range(9)): "The search is too long.",
    "q=tide&from=Nobody": "No agent has registered the name Nobody.",
    "from=Ada&until=2001-01-01": "There are no such messages.",
    "q=" + quote("<b>&\u202e"): "No message has all these words.",
}
"""By the query of a search without results: how the sentence begins that says so."""


@pytest.mark.long
def test_a_search_without_results_says_why(searched: HostedRoom, open_page: OpenPage) -> None:
    """A sentence says why nothing is found and what to try, and that there was nothing to search for."""
    page = open_page(searched.url)
    for query, sentence in SENTENCES.items():
        page.goto(f"{searched.url}/#search?{query}")
        expect(page.locator(".view-status")).to_have_text(re.compile(f"^{re.escape(sentence)}"))

    assert page.locator(".results > *").count() == 0


def error(status: int, code: str, **details: object) -> dict[str, Any]:
    """A response of the API that rejects a search."""
    body = {"success": False, "code": code, "error": "no", **details}
    return {"status": status, "body": json.dumps(body), "content_type": "application/json"}


@pytest.mark.long
def test_a_search_goes_on_by_itself(searched: HostedRoom, open_page: OpenPage) -> None:
    """While messages are indexed a sentence says how far, and the search is repeated; so it is without a connection.
    One that takes too long is not repeated: a sentence says what to change.
    """
    rejections = [error(503, "search_unavailable", position=30, head=120, retryAfter=11)]
    page = open_page(searched.url, script=OWN_STREAM)
    expect(page.locator("#state")).to_have_text("live")
    page.clock.install()

    def respond(route: Route) -> None:
        route.fulfill(**rejections.pop()) if rejections else route.fallback()

    page.route("**/api/messages?*q=*", respond)
    page.goto(f"{searched.url}/#search?q=tide")
    expect(page.locator(".view-status")).to_contain_text("still being indexed: 25 % is done")
    page.clock.run_for(11_500)
    expect(page.locator(".results .content")).to_have_count(30)
    page.unroute("**/api/messages?*q=*")
    page.route("**/api/messages?*q=*", lambda route: route.abort())
    page.goto(f"{searched.url}/#search?q=day")
    expect(page.locator(".view-status")).to_contain_text("The server cannot be reached. The search continues when")
    page.unroute("**/api/messages?*q=*")
    page.clock.run_for(61_000)
    expect(page.locator(".results .content")).to_have_count(30)
    rejections.append(error(422, "too_much_at_once"))
    page.route("**/api/messages?*q=*", respond)
    page.goto(f"{searched.url}/#search?q=the")

    expect(page.locator(".view-status")).to_have_text(
        "This search takes too long. Use fewer or rarer words, or fewer days."
    )


@pytest.mark.long
def test_a_search_in_a_private_room(searched: HostedRoom, open_page: OpenPage) -> None:
    """The page asks for a key, and the search goes on with it."""
    key = searched.register("Cleo").key
    with private(searched) as front:
        page = open_page(f"{front.url}/#search?q=tide", script=OWN_STREAM)
        expect(page.locator("#key-dialog")).to_be_visible()
        page.locator("#key").fill(key)
        page.keyboard.press("Enter")

        expect(page.locator(".results .content")).to_have_count(30)


@pytest.mark.long
def test_a_search_in_the_past(searched: HostedRoom, open_page: OpenPage) -> None:
    """At a moment of the past only what was there then is found, and the address of the search names the moment."""
    at = iso_timestamp(START + 5 * DAY)
    page = open_page(f"{searched.url}/#t-{at}")
    expect(page.locator(".content").last).to_have_text("The tide of day 5")
    page.get_by_role("combobox", name="Search").fill("tide")
    page.keyboard.press("Enter")
    expect(page.locator(".results .content")).to_have_text([f"The tide of day {day}" for day in range(5, -1, -1)])
    address = page.url
    assert address.endswith(f"/#search?q=tide&at={quote(at)}")
    page.get_by_role("link", name="Back to the room").click()
    expect(page.locator(".view")).to_have_count(0)
    assert page.url.endswith(f"/#t-{at}")
    page.goto(searched.url)
    page.goto(address)
    page.reload()

    expect(page.locator(".results .content")).to_have_count(6)
    expect(page.locator("#state")).to_have_text("in the past")
    assert page.url == address


@pytest.mark.long
def test_the_box_and_the_fields_are_one_search(searched: HostedRoom, open_page: OpenPage) -> None:
    """The button takes new words from the box, and Enter in the box takes a new agent from the fields."""
    page = open_page(f"{searched.url}/#search?q=tide")
    box = page.get_by_role("combobox", name="Search")
    expect(page.locator(".results .content")).to_have_count(30)
    box.fill("thanks")
    page.locator(".search-fields").get_by_role("button").click()
    expect(page.locator(".results .content").first).to_have_text("Thanks, 79")
    page.get_by_label("From agent").fill("Ada")
    box.fill("day 3")
    box.press("Enter")

    expect(page.locator(".results .content")).to_have_text(["The tide of day 3"])
    assert page.url.endswith("/#search?q=day+3&from=Ada") or page.url.endswith("/#search?from=Ada&q=day+3")


@pytest.mark.long
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ("since=2026-02-01&until=2026-01-01", "These days cannot be searched."),
        ("since=yesterday", "These days cannot be searched."),
        ("until=9999-12-31", "These days cannot be searched."),
        ("at=noon", "The address of this search names a moment that this room does not have."),
        ("at=1990-01-01T00:00:00Z", "The address of this search names a moment that this room does not have."),
    ],
)
def test_days_and_moments_that_cannot_be(fields: str, sentence: str, searched: HostedRoom, open_page: OpenPage) -> None:
    """The page says in its own words what is wrong with a day or a moment, not in those of the HTTP API."""
    page = open_page(f"{searched.url}/#search?q=tide&{fields}")

    expect(page.locator(".view-status")).to_contain_text(sentence)


@pytest.mark.long
def test_a_hostile_message_is_found_as_text(searched: HostedRoom, open_page: OpenPage) -> None:
    """Markup stays text, and a word is found and marked without its accent."""
    page = open_page(f"{searched.url}/#search?q=cafe")

    expect(page.locator(".results .content")).to_have_text([HOSTILE])
    expect(page.locator(".results mark")).to_have_text(["Café"])
    assert page.locator(".results img").count() == 0


@pytest.mark.long
def test_a_result_that_is_removed(searched: HostedRoom, open_page: OpenPage) -> None:
    """A result that an operator removes loses its text at once."""
    page = open_page(f"{searched.url}/#search?q={quote('day 79')}")
    expect(page.locator(".results .content")).to_have_text(["The tide of day 79"])
    position = page.locator(".results > .message").get_attribute("id") or ""
    at_node(searched, remove(searched.node, ADA, position.removeprefix("result-")))

    expect(page.locator(".results .content")).to_have_text([f"Removed: {REASON}"])


@pytest.mark.long
@pytest.mark.parametrize("width", [320, 1280])
def test_agents_are_suggested(width: int, open_room: OpenRoom, open_page: OpenPage) -> None:
    """Typing lists the agents whose names match, online or not; arrows choose one and Enter opens its view."""
    names = ("Cleo_7", "Cleopatra", "Ada", *(f"{chr(97 + each)}-agent-{each}" for each in range(20)))
    room = open_room([unlimited(START), *(registered(name, START) for name in names)])
    page = open_page(room.url, viewport={"width": width, "height": 640})
    box = page.get_by_role("combobox", name="Search messages and agents")
    suggested = page.get_by_role("listbox").get_by_role("option")
    page.keyboard.press("/")
    box.type("@cleo")
    expect(suggested).to_have_text([re.compile("Cleo_7"), re.compile("Cleopatra")])
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(suggested.and_(page.get_by_role("option", selected=True))).to_contain_text("Cleopatra")
    assert box.get_attribute("aria-activedescendant") == suggested.last.get_attribute("id")
    page.keyboard.press("Escape")
    expect(suggested).to_have_count(0)
    box.fill("cleopat")
    expect(suggested).to_have_count(1)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Cleopatra")).to_be_focused()
    assert page.url.endswith("/#agent-Cleopatra")
    page.keyboard.press("/")
    box.type("zzz")
    expect(page.locator(".found-agents [role=status]")).to_have_text(
        "No agent's name matches. Enter searches the messages."
    )
    box.fill("tide from:Cl")
    expect(suggested).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("tide from:Cleo_7 ")
    box.fill("a")
    expect(suggested).to_have_count(20)
    expect(page.locator(".found-agents [role=status]")).to_contain_text("More agents match")
