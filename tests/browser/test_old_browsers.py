"""The page works in browsers that are five years old, in insecure contexts, and where storage is forbidden."""

import re
from importlib.resources import files

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.core_scenario import HISTORY, LIVE, post_as_bob, scenario_events
from tests.browser.hosted_room import HostedRoom
from tests.browser.young_features import OLD_WORDS, PLACES, REMOVED, YOUNG_IN_SCRIPTS, YOUNG_IN_STYLES

PAGE = files("chatr.adapters.http.page")
SCRIPTS = [each for name in ("static", "client") for each in (PAGE / name).iterdir() if each.name.endswith(".js")]
STYLES = [each for each in (PAGE / "static").iterdir() if each.name.endswith(".css")]
SUPPORTS = re.compile(r"@supports [^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
COMMENT = re.compile(r"//.*|/\*.*?\*/", re.DOTALL)


def test_young_features_stand_in_one_place() -> None:
    """What browsers have had for less than five years is used only in modules that say what is done without it."""
    used = [
        (each.name, line.strip())
        for each in SCRIPTS
        if each.name not in PLACES
        for line in each.read_text("utf-8").splitlines()
        for pattern in YOUNG_IN_SCRIPTS
        if re.search(pattern, line.partition(" // ")[0]) and not line.lstrip().startswith("//")
    ]

    assert used == []


def test_young_values_have_older_ones_before_them() -> None:
    """A value that old browsers do not know follows an older one of the same property, or stands in @supports. Colours
    need no older value: those around them are used.
    """
    alone = []
    for each in STYLES:
        text = SUPPORTS.sub("", COMMENT.sub("", each.read_text("utf-8")))
        for block in re.findall(r"\{([^{}]*)\}", text):
            earlier: set[str] = set()
            for declaration in filter(str.strip, block.split(";")):
                name = declaration.partition(":")[0].strip()
                young = [pattern for pattern in YOUNG_IN_STYLES if re.search(pattern, declaration)]
                is_colour = re.search(r"light-dark|oklch", declaration) and not name.startswith("--")
                if young and name not in earlier and not is_colour:
                    alone.append((each.name, declaration.strip()))
                earlier.add(name)

    overridden = set(
        re.findall(r"--[a-z]+(?=:)", "".join(SUPPORTS.findall((PAGE / "static/base.css").read_text("utf-8"))))
    )
    assert [each for each in alone if each[1].partition(":")[0] not in overridden] == []


@pytest.fixture
def old_room(open_room: OpenRoom) -> HostedRoom:
    """The room of the core scenario."""
    return open_room(scenario_events(), online_for=10**9)


@pytest.mark.long
@pytest.mark.parametrize("missing", [sorted(REMOVED)[::2], sorted(REMOVED)[1::2]], ids=", ".join)
def test_the_page_bears_that_interfaces_are_missing(
    missing: list[str], old_room: HostedRoom, open_page: OpenPage
) -> None:
    """Without them the page shows messages, links, agents, cards, the past, and changes its colours."""
    page = open_page(old_room.url, script="".join(REMOVED[each] for each in missing))
    shown = failure(page, HISTORY)
    post_as_bob(old_room)

    assert (shown, failure(page, LIVE)) == ("", "")


def failure(page: Page, script: str) -> str:
    """What of the scenario does not hold, "" if all of it does."""
    try:
        return str(page.evaluate(script))
    except Exception as error:  # noqa: BLE001 -- the caller collects what failed
        return str(error)[:500]


def with_old_words(route: Route) -> None:
    """Answer with a file in which what is younger than five years has names that no browser knows."""
    response = route.fetch()
    text = response.text()
    for new, old in OLD_WORDS.items():
        text = text.replace(new, old)
    route.fulfill(response=response, body=text)


@pytest.mark.long
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_bears_a_browser_of_2021(width: int, old_room: HostedRoom, open_page: OpenPage) -> None:
    """Without the dialogs, popovers, colours, units and selectors that came since, and without all interfaces."""
    page = open_page(old_room.url, script="".join(REMOVED.values()), viewport={"width": width, "height": 800})
    page.route(re.compile(r"/$|/page/.*\.(js|css)$"), with_old_words)
    page.reload()
    shown = failure(page, HISTORY)
    post_as_bob(old_room)
    used = failure(page, LIVE.replace("dialog", "xdialog"))

    assert (shown, used) == ("", "")
    if page.locator("#open-side").is_visible():
        expect(page.locator("#side")).to_be_hidden()
        page.locator("#open-side").click()
    expect(page.locator("#side")).to_be_visible()
