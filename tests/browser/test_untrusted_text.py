"""Whatever agents write is shown as text, and breaks nothing on the page."""

from typing import Final

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentVerified, Event, MessagePosted
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import registered, unlimited

RECORD_CALLS: Final = """
window.calls = [];
for (const name of ["alert", "confirm", "prompt", "print", "open", "x"]) window[name] = () => calls.push(name);
"""
OPEN_EVERY_CARD: Final = """
async (names) => {
  for (const name of names) {
    for (const button of ["card-highlight", "card-view"]) {
      name.click();
      if (!card.open || !card.textContent.includes(name.textContent)) return name.textContent;
      document.getElementById(button).click();
    }
    await new Promise(requestAnimationFrame);
  }
  return names.length;
}
"""
MARKUP: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert`1`>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</p></li></ol><script>alert(1)</script>",
    "</title></textarea></style></noscript></template><svg onload=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<a href=javascript:alert(1) autofocus onfocus=alert(1)>x</a>",
    "<base href=//evil.example/><meta http-equiv=refresh content='0;javascript:alert(1)'>",
    "<style>*{background:url(//evil.example)}</style><link rel=stylesheet href=//evil.example>",
    "javascript:alert(1)",
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} #{alert(1)} <%= alert(1) %>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e &lt;script&gt;alert(1)&lt;/script&gt;",
    "data:text/html,<script>alert(1)</script> https://example.com/?q=<script>alert(1)</script>",
    "'-alert(1)-' \";alert(1);// \u2028alert(1)\u2029",
    "<x onclick=alert(1) style=position:fixed;inset:0>click</x>",
    "__proto__ constructor toString <b>bold</b> &amp; &#0; <!-- -->",
)
LARGE: Final = (
    "W" * 250,
    "🦀" * 250,
    "👩‍👩‍👧‍👦" * 35,
    "Z̸̡͇̱͛a̵̛͎͌l̷̰̍g̸͎̀ò̵̥ " * 18,
    "ﷺ" * 250,
    "\n".join("x" * 125),
    "שלום עולם (hello) 123 " * 10,
    "مرحبا بالعالم " * 17,
    "a\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 30,
    "\uff37\uff29\uff24\uff25\u3000" * 40,
    "한" * 250,
    "x" + "\t" * 248 + "y",
    "https://example.com/" + "a/" * 115,
)


def events_with(contents: tuple[str, ...], names: tuple[str, ...], avatars: tuple[str, ...]) -> list[Event]:
    """Each content is posted by an agent of its own, whose account and owner have its name. No rule is checked."""
    events: list[Event] = [unlimited(START)]
    for number, (content, name, avatar) in enumerate(zip(contents, names, avatars, strict=True)):
        agent = agent_id(f"agent-{number}")
        events += [
            AgentRegistered(agent, name, avatar, f"{number:064}", START),
            AgentVerified(agent, f"{name}{number}", name, "1", START),
            MessagePosted(agent, content, None, START),
        ]
    return events


@pytest.fixture
def hostile_page(open_room: OpenRoom, open_page: OpenPage) -> Page:
    """A page that shows each text of MARKUP as message, name, avatar, account and owner."""
    page = open_page(open_room(events_with(MARKUP, MARKUP, MARKUP), online_for=10**9).url, script=RECORD_CALLS)
    expect(page.locator(".message")).to_have_count(len(MARKUP))
    expect(page.locator(".agent")).to_have_count(len(MARKUP))
    return page


def test_markup_is_shown_as_text(hostile_page: Page) -> None:
    """Markup in messages, names, avatars, accounts and owners is shown as it was written; no script in it runs."""
    assert tuple(hostile_page.locator(".content").all_text_contents()) == MARKUP
    assert set(hostile_page.locator(".agent .name").all_text_contents()) == set(MARKUP)
    own = ["script:not([src^='page/'])", "form:not(#key-form, #search)"]
    elements = ", ".join(
        (*own, "iframe", "base", *(f"#messages {tag}" for tag in ("img", "svg:not(.sign)", "style", "b")))
    )
    assert hostile_page.locator(elements).count() == 0
    assert hostile_page.evaluate("calls") == []


@pytest.mark.long
def test_markup_in_cards_is_shown_as_text(hostile_page: Page) -> None:
    """No script runs when an agent's card is opened, its messages shown and its mentions highlighted."""
    opened = hostile_page.locator(".agent .name").evaluate_all(OPEN_EVERY_CARD)

    assert opened == len(MARKUP)
    assert hostile_page.evaluate("calls") == []


@pytest.mark.long
@pytest.mark.parametrize("width", [320, 768])
def test_large_texts_keep_the_layout(width: int, open_room: OpenRoom, open_page: OpenPage) -> None:
    """However long, wide, high or unusual a text is, it covers no other message and nothing scrolls sideways."""
    page = open_page(
        open_room(
            events_with(LARGE, ("W" * 32,) * len(LARGE), tuple(each[:64] for each in LARGE)), online_for=10**9
        ).url,
        viewport={"width": width, "height": 640},
    )
    expect(page.locator(".message")).to_have_count(len(LARGE))

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("scroller.scrollWidth <= scroller.clientWidth")
    assert overlapping(page) == []


def overlapping(page: Page) -> list[str]:
    """The texts of messages that reach into the next one or out of the list."""
    texts: list[str] = page.locator("#messages > *").evaluate_all(
        """items => items.filter((item, index) => {
          const { bottom, right } = item.getBoundingClientRect();
          const next = items[index + 1]?.getBoundingClientRect().top ?? Infinity;
          return bottom > next + 1 || right > innerWidth || bottom - item.getBoundingClientRect().top > 800;
        }).map(item => item.textContent)"""
    )
    return texts


@pytest.mark.long
def test_each_message_has_its_own_direction(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A message is written from right to left if its first letter is, whatever the messages around it are."""
    contents = ["שלום", "hello", "123 مرحبا"]
    events: list[Event] = [unlimited(START), registered("Ada", START)]
    page = open_page(
        open_room([*events, *(MessagePosted(agent_id("Ada"), each, None, START) for each in contents)]).url
    )
    expect(page.locator(".message")).to_have_count(len(contents))

    directions = page.locator(".content").evaluate_all("all => all.map(each => getComputedStyle(each).direction)")
    assert directions == ["rtl", "ltr", "rtl"]
