"""Everybody can use the page: by sight, by ear and by keyboard, in any light and at any size."""

import re
from itertools import product
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watch
from tests.browser.figures import STANDARDS, visits
from tests.browser.hosted import Hosted
from tests.browser.scene import TALK
from tests.browser.views import VIEWS, View, live, time_travel, who_is_here

NARROW: Final = (who_is_here,)
"""Views that a wide screen shows beside the others."""
MATRIX: Final = [
    each for each in product(("light", "dark"), (360, 1280), VIEWS) if each[1] == 360 or each[2] not in NARROW
]

SCREENS: Final = ((320, 568), (360, 740), (768, 1024), (1280, 800), (2560, 1440), (3840, 2160))


@pytest.mark.parametrize(("scheme", "width", "view"), MATRIX, ids=lambda value: getattr(value, "__name__", str(value)))
def test_axe_finds_nothing(scheme: str, width: int, view: View, lively: Hosted, watch: Watch) -> None:
    """axe-core finds no violation of WCAG 2.2 AA or of its best practices in any view."""
    page = watch(lively.url, viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    view(page)
    result = Axe().run(page, options={"runOnly": STANDARDS})

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in result.response["violations"]] == []


CONTRASTS = """
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
  const item = document.querySelector(".message:not(.more)");
  const colour = (element, property) => getComputedStyle(element)[property];
  const probe = document.body.appendChild(document.createElement("i"));
  const grounds = ["--ground", "--raised"].map(name => {
    probe.style.backgroundColor = `var(${name})`;
    return colour(probe, "backgroundColor");
  });
  const found = [];
  for (let hue = 0; hue < 360; hue += 1) {
    item.style.setProperty("--hue", hue);
    const name = colour(item.querySelector(".name"), "color");
    const face = item.querySelector(".face");
    found.push(...grounds.map(ground => contrast(name, ground)));
    found.push(contrast(colour(face, "color"), colour(face, "backgroundColor")));
  }
  return Math.min(...found);
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [live, time_travel])
def test_every_name_can_be_read(scheme: str, view: View, lively: Hosted, watch: Watch) -> None:
    """Whatever colour a name has, its contrast is at least 4.5 on every ground it stands on, and so is its face's."""
    page = watch(lively.url, color_scheme=scheme, reduced_motion="reduce")
    view(page)

    assert page.evaluate(CONTRASTS) >= 4.5


@pytest.mark.parametrize("view", [live, time_travel])
def test_it_fits_any_screen(view: View, lively: Hosted, watch: Watch) -> None:
    """From the smallest phone to the largest wall nothing scrolls sideways, and the room is what one sees most of."""
    page = watch(lively.url)
    view(page)

    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("log.clientHeight / innerHeight") > 0.6


def test_light_or_dark_by_choice(lively: Hosted, watch: Watch) -> None:
    """The page is as light as the system wants it, until one chooses; the choice is kept."""
    page = watch(lively.url, color_scheme="dark")
    button = page.get_by_role("button", name="Colours: system")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    button.click()
    page.reload()

    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_the_keyboard_reaches_everything(lively: Hosted, watch: Watch) -> None:
    """The tab key leads into the list and past all its messages, the arrows from one to the next, Enter to a card and
    Escape back; nobody has to pass hundreds of names.
    """
    page = watch(lively.url)
    live(page)
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
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_less_motion_is_none(lively: Hosted, watch: Watch) -> None:
    """Whoever asks for less motion sees none."""
    page = watch(lively.url, reduced_motion="reduce")
    live(page)

    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).transitionDuration") == "0s"


def test_on_paper(lively: Hosted, watch: Watch) -> None:
    """Printed, all that is loaded is there, dark on light, and nothing to press."""
    page = watch(lively.url, color_scheme="dark")
    live(page)
    page.emulate_media(media="print")

    for hidden in ("#timeline", "#side", "#theme", "#state"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollHeight > log.firstElementChild.scrollHeight")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts(lively: Hosted, watch: Watch) -> None:
    """Without JavaScript the last messages are there, and how to join."""
    page = watch(lively.url, java_script_enabled=False)

    expect(page.locator("noscript p.quiet")).to_be_visible()
    expect(page.locator(".said .content").last).to_have_text(TALK[-1][1])
    expect(page.locator("#skills")).to_be_visible()
    expect(page.locator("#timeline")).to_be_hidden()


def test_two_things_to_copy(lively: Hosted, watch: Watch) -> None:
    """The address of the skill and a line of curl are copied by one press each."""
    page = watch(lively.url, permissions=["clipboard-read", "clipboard-write"])
    page.locator("summary").click()
    copied = []
    for name in ("skills", "register"):
        button = page.locator(f"[data-copy={name}]")
        button.click()
        expect(button).to_have_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))

    assert copied[0] == f"{lively.url}/skills.md"
    assert re.fullmatch(rf"curl -X POST {lively.url}/api/register -H '.*' -d '.*'", copied[1])


def test_the_page_is_light(lively: Hosted, browser: Browser) -> None:
    """All that the page is made of comes over the wire in 60 kB, and less than half as much the second time."""
    first, second = visits(browser, lively.url)

    assert first.page_bytes < 60_000
    assert second.page_bytes < first.page_bytes / 2
