"""A room that is read with a key: the page asks for one, keeps it in its tab, and sends it with every request."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OWN_STREAM, OpenPage
from tests.browser.figures import STANDARDS
from tests.browser.hosted_room import HostedRoom
from tests.browser.private_room import PrivateRoom, private

WRONG_KEY = "chatr_" + "0" * 36


@pytest.fixture
def front(room: HostedRoom) -> Iterator[PrivateRoom]:
    """A private room with one message."""
    with private(room) as front:
        yield front


@pytest.fixture
def key(room: HostedRoom) -> str:
    """The key of an agent that has posted a message."""
    ada = room.register()
    ada.post("behind the door")
    return ada.key


def enter(page: Page, key: str) -> None:
    """Type a key into the form, as a person who uses the keyboard alone."""
    expect(page.get_by_role("dialog", name="This room is private")).to_be_visible()
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.keyboard.type(key)
    page.keyboard.press("Enter")


@pytest.mark.long
def test_the_page_asks_for_a_key(front: PrivateRoom, key: str, room: HostedRoom, open_page: OpenPage) -> None:
    """Without a key nothing of the room is shown but a form. With one, the room is live, and its past is there."""
    page = open_page(front.url)
    expect(page.locator("#state")).to_have_text("locked")
    shown_before = page.locator(".message").count()
    enter(page, key)
    expect(page.locator("#state")).to_have_text("live")
    expect(page.get_by_role("dialog")).to_be_hidden()
    room.register("Bob").post("live")
    expect(page.locator(".content")).to_have_text(["behind the door", "live"])
    expect(page.locator("#timeline")).to_be_visible()

    assert shown_before == 0
    assert {given for path, given in front.requested if path == "/api/activity"} == {f"Bearer {key}"}


@pytest.mark.long
def test_a_wrong_key_is_explained(front: PrivateRoom, key: str, open_page: OpenPage) -> None:
    """What is no key is not sent, and a key that does not open is rejected with a sentence. Then another helps."""
    page = open_page(front.url)
    enter(page, "two words")
    expect(page.get_by_role("alert")).to_contain_text("This is not a key.")
    expect(page.get_by_label("Key", exact=True)).to_have_attribute("aria-invalid", "true")
    enter(page, WRONG_KEY)
    expect(page.get_by_role("alert")).to_contain_text("This key does not open the room.")
    enter(page, key)

    expect(page.locator(".content")).to_have_text("behind the door")
    expect(page.locator("#state")).to_have_text("live")
    assert {given for _, given in front.requested} == {"", f"Bearer {WRONG_KEY}", f"Bearer {key}"}


@pytest.mark.long
def test_a_tab_keeps_its_key_until_it_is_forgotten(front: PrivateRoom, key: str, open_page: OpenPage) -> None:
    """A reload needs no key, another tab does; after it is forgotten the tab shows and keeps nothing."""
    page = open_page(front.url)
    enter(page, key)
    expect(page.locator(".content")).to_have_text("behind the door")
    page.reload()
    expect(page.locator(".content")).to_have_text("behind the door")
    other = page.context.new_page()
    other.goto(front.url)
    expect(other.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Forget the key of this tab").click()
    expect(page.get_by_role("dialog")).to_be_visible()

    assert page.evaluate("[sessionStorage.length, document.cookie, Object.keys(localStorage)]") == [0, "", []]
    assert page.locator(".message").count() == 0


@pytest.mark.long
def test_a_revoked_key_is_asked_for_again(front: PrivateRoom, key: str, open_page: OpenPage) -> None:
    """When the key no longer opens the room, the page says so and asks for another one."""
    page = open_page(front.url)
    enter(page, key)
    expect(page.locator("#state")).to_have_text("live")
    front.revoked.add(f"Bearer {key}")
    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("This key does not open the room.")
    expect(page.locator("#state")).to_have_text("locked")


@pytest.mark.long
def test_the_form_can_be_left(front: PrivateRoom, key: str, open_page: OpenPage) -> None:
    """Escape closes the form, and a button opens it again."""
    page = open_page(front.url)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Enter a key").click()
    enter(page, key)

    expect(page.locator("#state")).to_have_text("live")


@pytest.mark.long
def test_a_stream_with_a_key_resumes(front: PrivateRoom, key: str, room: HostedRoom, open_page: OpenPage) -> None:
    """After a lost connection the page goes on from its last message, and shows each message once."""
    page = open_page(front.url)
    enter(page, key)
    bob = room.register("Bob")
    bob.post("one")
    expect(page.locator(".content").last).to_have_text("one")
    page.context.set_offline(offline=True)
    bob.post("two")
    page.context.set_offline(offline=False)
    bob.post("three")

    expect(page.locator(".content")).to_have_text(["behind the door", "one", "two", "three"])


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_no_violation_in_the_form(scheme: str, width: int, front: PrivateRoom, open_page: OpenPage) -> None:
    """axe-core finds no violation, also beside an error."""
    page = open_page(front.url, viewport={"width": width, "height": 640}, color_scheme=scheme, reduced_motion="reduce")
    enter(page, "two words")
    expect(page.get_by_role("alert")).to_contain_text("not a key")
    result = Axe().run(page, options={"runOnly": STANDARDS})

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in result.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_public_room_asks_for_nothing(page: Page) -> None:
    """Neither form nor button is shown, and the browser's own EventSource follows the stream."""
    opened = page.evaluate("performance.getEntriesByType('resource').map(each => each.initiatorType + each.name)")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("key"))).to_have_count(0)
    assert not any(re.search("^fetch.*/api/stream", each) for each in opened)


@pytest.mark.long
def test_a_stream_with_a_key_is_not_opened_again_and_again(room: HostedRoom, open_page: OpenPage) -> None:
    """If streams are lost as soon as they are open, no more than one a minute is opened after the first three."""
    page = open_page(room.url, script=OWN_STREAM + 'sessionStorage.setItem("chatr-key /", "chatr_key")')
    opened: list[str] = []

    def lose(route: Route) -> None:
        opened.append(route.request.headers["authorization"])
        route.fulfill(body='id: 1-00000000\ndata: {"type":"history","data":[]}\n\n', content_type="text/event-stream")

    page.route("**/api/stream*", lose)
    page.clock.install()
    page.reload()
    for _ in range(180):
        page.clock.run_for(1_000)
        page.evaluate("fetch('health')")  # time for the network, whose clock is the real one

    assert 3 <= len(opened) <= 6
    assert set(opened) == {"Bearer chatr_key"}
