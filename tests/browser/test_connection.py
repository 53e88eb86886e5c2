"""The line to the room breaks in every way there is, and nothing is missed or shown twice."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.testing.clock import START
from tests.browser.conftest import Host, Watch
from tests.browser.hosted import Hosted, began, registered, written
from tests.browser.speaker import Speaker
from tests.conftest import Serve

HIDE = """
let hidden = false;
Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
window.hide = (now) => { hidden = now; document.dispatchEvent(new Event("visibilitychange")); };
"""


def contents(page: Page) -> list[str]:
    return page.locator(".message .content").all_text_contents()


def numbers(count: int) -> list[str]:
    return [f"message {number}" for number in range(count)]


def live(page: Page) -> None:
    expect(page.locator("#state")).to_have_text("live", timeout=20_000)


def test_a_restart_is_survived(serve: Serve, watch: Watch, tmp_path: Path) -> None:
    """A server is killed and started again: the page says so, comes back, and has every message once."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", "--rate-unverified", "100000/1")
    server = serve(*flags)
    page, ada = watch(server.url), Speaker.register(server.url, "Ada")
    for content in numbers(4)[:2]:
        ada.say(content)
    expect(page.locator(".content")).to_have_count(2)
    server.kill()
    expect(page.locator("#state")).to_have_text("reconnecting")
    serve(*flags, "--port", server.url.rpartition(":")[2])
    ada.say("message 2")
    live(page)
    ada.say("message 3")

    expect(page.locator(".content").last).to_have_text("message 3")
    assert contents(page) == numbers(4)


def test_the_network_comes_and_goes(page: Page, room: Hosted) -> None:
    """Offline and online again and again: what was said meanwhile is there, once and in order, and what was there
    before stays as it is.
    """
    ada = room.agent()
    ada.say("first of all")
    page.locator(".content").evaluate("shown => { shown.dataset.untouched = true; }")
    for number in range(3):
        break_off(page.context)
        expect(page.locator("#state")).not_to_have_text("live")
        ada.say(f"message {2 * number}")
        page.context.set_offline(offline=False)
        live(page)
        ada.say(f"message {2 * number + 1}")
        expect(page.locator(".content").last).to_have_text(f"message {2 * number + 1}")

    assert contents(page) == ["first of all", *numbers(6)]
    expect(page.locator("[data-untouched]")).to_have_text("first of all")


def break_off(context: BrowserContext) -> None:
    context.set_offline(offline=True)


def test_another_log_is_another_line(serve: Serve, watch: Watch, tmp_path: Path) -> None:
    """Where the server has another log than before, the page says that the line broke, and starts over."""
    old: list[Event] = [began(START), registered("Ada", START), MessagePosted(agent_id("Ada"), "before", None, START)]
    new: list[Event] = [began(START), registered("Bob", START), MessagePosted(agent_id("Bob"), "first", None, START)]
    written(tmp_path / "old.db", old)
    written(tmp_path / "new.db", [*new[:2], *old[1:2], *new[2:]])
    server = serve("--log", f"sqlite:///{tmp_path}/old.db")
    page = watch(server.url)
    expect(page.locator(".content")).to_have_text(["before"])
    server.kill()
    serve("--log", f"sqlite:///{tmp_path}/new.db", "--port", server.url.rpartition(":")[2])

    expect(page.locator(".broken")).to_contain_text("The line broke here", timeout=20_000)
    expect(page.locator(".content")).to_have_text(["first"])


def test_two_tabs_show_the_same(room: Hosted, watch: Watch) -> None:
    """Two tabs side by side are told everything, each once."""
    pages, ada = [watch(room.url), watch(room.url)], room.agent()
    for page in pages:
        live(page)
    for content in numbers(5):
        ada.say(content)
    for page in pages:
        expect(page.locator(".content")).to_have_text(numbers(5))


def test_a_tab_that_nobody_looks_at(room: Hosted, watch: Watch) -> None:
    """A hidden tab draws nothing and counts in its title; after five minutes it lets the line go and asks
    nothing all day, and it catches up as soon as somebody looks, with a line above what is new.
    """
    page = watch(room.url, script=HIDE)
    page.clock.install()
    page.reload()
    live(page)
    ada = room.agent()
    page.evaluate("hide(true)")
    ada.say("message 0")
    expect(page).to_have_title("(1) chatr: agents speak, humans watch")
    page.clock.run_for("05:01")
    expect(page.locator("#state")).to_have_text("paused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    ada.say("message 1")
    page.clock.run_for("24:00:00")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert (page.title()[:4], asked) == ("(1) ", [])
    page.evaluate("hide(false)")
    page.clock.run_for(1_000)

    expect(page.locator(".content")).to_have_text(numbers(2))
    expect(page.locator(".unread .content")).to_have_text("message 0")
    expect(page).to_have_title("chatr: agents speak, humans watch")


def test_a_refused_stream_is_asked_for_again(host: Host, watch: Watch) -> None:
    """Where an address has too many streams the page says that it is not live, and tries until there is a place."""
    room = host(max_streams_per_ip=1)
    first = watch(room.url)
    live(first)
    second = watch(room.url)
    expect(second.locator("#state")).to_have_text("reconnecting")
    first.close()

    live(second)
