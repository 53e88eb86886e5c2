"""Everyone can use the page: with a screen reader, with the keyboard, in light or dark colours, on any screen."""

import re
from itertools import product
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.figures import STANDARDS, measure_visits
from tests.browser.hosted_room import HostedRoom
from tests.browser.sample_room import CONVERSATION
from tests.browser.views import (
    VIEWS,
    View,
    agent_messages,
    live_room,
    past_moment,
    search_results,
    side_panel,
    thread,
)

ONLY_NARROW: Final = (side_panel,)
"""Views that a wide screen shows beside the others."""
EVERYWHERE: Final = (live_room, side_panel)
"""Views with all colours and widths. The others are checked narrow in light colours and wide in dark ones."""
MATRIX: Final = [
    (scheme, width, view)
    for scheme, width, view in product(("light", "dark"), (360, 1280), VIEWS)
    if width == 360 or view not in ONLY_NARROW
    if (scheme == "light") == (width == 360) or view in EVERYWHERE
]
SCREENS: Final = ((320, 568), (360, 740), (768, 1024), (1280, 800), (2560, 1440), (3840, 2160))


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "width", "view"), MATRIX, ids=lambda value: getattr(value, "__name__", str(value)))
def test_axe_finds_no_violation(
    scheme: str, width: int, view: View, sample_room: HostedRoom, open_page: OpenPage
) -> None:
    """axe-core finds no violation of WCAG 2.2 AA or of its best practices in any view."""
    page = open_page(
        sample_room.url, viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    view(page)
    result = Axe().run(page, options={"runOnly": STANDARDS})

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in result.response["violations"]] == []


SMALLEST_CONTRAST = """
() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map(each => each / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const item = document.querySelector(".message:not(.continued)");
  const colour = (element, property) => getComputedStyle(element)[property];
  const probe = document.body.appendChild(document.createElement("i"));
  const backgrounds = ["--background", "--surface"].map(name => {
    probe.style.backgroundColor = `var(${name})`;
    return colour(probe, "backgroundColor");
  });
  const found = [];
  for (let hue = 0; hue < 360; hue += 1) {
    item.style.setProperty("--hue", hue);
    const name = colour(item.querySelector(".name"), "color");
    const avatar = item.querySelector(".avatar");
    found.push(...backgrounds.map(background => contrast(name, background)));
    found.push(contrast(colour(avatar, "color"), colour(avatar, "backgroundColor")));
  }
  return Math.min(...found);
}
"""


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [live_room, past_moment])
def test_names_of_every_hue_have_contrast(
    scheme: str, view: View, sample_room: HostedRoom, open_page: OpenPage
) -> None:
    """Names of any hue have a contrast of at least 4.5 on every background, and so have avatars."""
    page = open_page(sample_room.url, color_scheme=scheme, reduced_motion="reduce")
    view(page)

    assert page.evaluate(SMALLEST_CONTRAST) >= 4.5


@pytest.mark.long
@pytest.mark.parametrize("view", [live_room, past_moment])
def test_the_page_fits_any_screen(view: View, sample_room: HostedRoom, open_page: OpenPage) -> None:
    """From a small phone to a wall nothing scrolls sideways, and messages take more than 60 % of the height."""
    page = open_page(sample_room.url)
    view(page)

    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("scroller.clientHeight / innerHeight") > 0.6


@pytest.mark.long
@pytest.mark.parametrize("view", [live_room, agent_messages, thread, search_results])
def test_messages_can_be_read_at_any_zoom(view: View, sample_room: HostedRoom, open_page: OpenPage) -> None:
    """At 200 and at 400 % zoom each view leaves at least four lines for its messages, and nothing scrolls sideways."""
    page = open_page(sample_room.url)
    view(page)

    for width, height in ((640, 400), (320, 256)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("(document.querySelector('.search') ?? scroller).clientHeight") >= 96
        page.get_by_role("button", name="Play").scroll_into_view_if_needed()
        expect(page.get_by_role("button", name="Play")).to_be_in_viewport(ratio=1)


HEADER_LINES: Final = (
    "document.querySelector('header').clientHeight / parseFloat(getComputedStyle(document.body).fontSize)"
)


@pytest.mark.long
def test_the_header_of_a_demo_has_one_line(open_room: OpenRoom, open_page: OpenPage) -> None:
    """From a small phone to a wall, the badge of a demo fits beside the state and the buttons."""
    page = open_page(open_room(demo=True).url)
    expect(page.locator("#state")).to_have_text("live")
    heights = []
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        heights.append(page.evaluate(HEADER_LINES))

    # A second line, or a word that breaks, takes more than one of the text's height.
    assert max(heights) < 3


@pytest.mark.long
def test_the_chosen_theme_is_stored(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """The page is light or dark as the system is, until the reader chooses; a reload keeps the choice."""
    page = open_page(sample_room.url, color_scheme="dark")
    button = page.get_by_role("button", name="Colours: system")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    button.click()
    page.reload()

    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_the_keyboard_reaches_everything(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """Tab leads into the list and past all its messages, arrows lead from message to message, Enter opens a card and
    Escape closes it.
    """
    page = open_page(sample_room.url)
    live_room(page)
    page.locator("#older").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".message").last).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".message").nth(-2)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".message").nth(-2).locator(".name")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()


@pytest.mark.long
def test_reduced_motion_means_no_motion(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """A reader who prefers reduced motion sees no animation and no transition."""
    page = open_page(sample_room.url, reduced_motion="reduce")
    live_room(page)

    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).transitionDuration") == "0s"


@pytest.mark.long
def test_printing(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """Printed, the page shows all loaded messages, dark on white, without its controls."""
    page = open_page(sample_room.url, color_scheme="dark")
    live_room(page)
    page.emulate_media(media="print")

    for hidden in ("#timeline", "#side", "#theme", "#state"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollHeight > scroller.firstElementChild.scrollHeight")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_javascript(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """Without JavaScript the page shows the newest messages and how to join."""
    page = open_page(sample_room.url, java_script_enabled=False)

    expect(page.locator("noscript p.secondary")).to_be_visible()
    expect(page.locator(".static-list .content").last).to_have_text(CONVERSATION[-1][1])
    expect(page.locator("#skills")).to_be_visible()
    expect(page.locator("#timeline")).to_be_hidden()


@pytest.mark.long
def test_buttons_copy_to_the_clipboard(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """A button copies the address of skills.md, another one a curl command that registers an agent."""
    page = open_page(sample_room.url, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("How to join").click()
    page.locator("#join-by-hand summary").click()
    copied = []
    for name in ("skills", "register"):
        button = page.locator(f"[data-copy={name}]")
        button.click()
        expect(button).to_have_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))

    assert copied[0] == f"{sample_room.url}/skills.md"
    assert re.fullmatch(rf"curl -X POST {sample_room.url}/api/register -H '.*' -d '.*'", copied[1])


@pytest.mark.long
def test_the_page_is_small(sample_room: HostedRoom, browser: Browser) -> None:
    """A first visit transfers less than 60 kB for the page's files, and a second one less than half of the first."""
    first, second = measure_visits(browser, sample_room.url, live_room)

    assert first.page_bytes < 60_000
    assert second.page_bytes < first.page_bytes / 2
