"""What strangers write is text, wherever it is shown, and breaks nothing."""

from typing import Final

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentVerified, Event, MessagePosted
from chatr.testing.clock import START
from tests.browser.conftest import Host, Watch
from tests.browser.hosted import began, registered

ALARMS: Final = """
window.alarms = [];
for (const name of ["alert", "confirm", "prompt", "print", "open", "x"]) window[name] = () => alarms.push(name);
"""
TRY_CARDS: Final = """
async (names) => {
  for (const name of names) {
    for (const button of ["card-mark", "card-only"]) {
      name.click();
      if (!card.open || !card.textContent.includes(name.textContent)) return name.textContent;
      document.getElementById(button).click();
    }
    document.getElementById("lens-all").click();
    await new Promise(requestAnimationFrame);
  }
  return names.length;
}
"""
SCRIPTS: Final = (
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
LONG: Final = (
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


def said(contents: tuple[str, ...], names: tuple[str, ...], avatars: tuple[str, ...]) -> list[Event]:
    """Each content by an agent of its own, whose account and owner are called as it is: no rule is asked."""
    events: list[Event] = [began(START)]
    for number, (content, name, avatar) in enumerate(zip(contents, names, avatars, strict=True)):
        agent = agent_id(f"agent-{number}")
        events += [
            AgentRegistered(agent, name, avatar, f"{number:064}", START),
            AgentVerified(agent, f"{name}{number}", name, "1", START),
            MessagePosted(agent, content, None, START),
        ]
    return events


@pytest.fixture
def scripts(host: Host, watch: Watch) -> Page:
    page = watch(host(said(SCRIPTS, SCRIPTS, SCRIPTS), online_for=10**9).url, script=ALARMS)
    expect(page.locator(".message")).to_have_count(len(SCRIPTS))
    expect(page.locator(".agent")).to_have_count(len(SCRIPTS))
    return page


def test_nothing_that_is_written_runs(scripts: Page) -> None:
    """Scripts in messages, names, avatars, accounts and owners are shown as they were written, and do nothing."""
    scripts.wait_for_load_state("networkidle")

    assert tuple(scripts.locator(".content").all_text_contents()) == SCRIPTS
    assert set(scripts.locator(".agent .name").all_text_contents()) == set(SCRIPTS)
    made = "script:not([src^='/page/']), iframe, base, form, #messages img, #messages svg, #messages style, #messages b"
    assert scripts.locator(made).count() == 0
    assert scripts.evaluate("alarms") == []


def test_no_card_runs_anything(scripts: Page) -> None:
    """Nor does an agent's card, its filter or its mentions; in the end every name was tried."""
    tried = scripts.locator(".agent .name").evaluate_all(TRY_CARDS)

    assert tried == len(SCRIPTS)
    assert scripts.evaluate("alarms") == []


@pytest.mark.parametrize("width", [320, 768])
def test_no_text_breaks_the_page(width: int, host: Host, watch: Watch) -> None:
    """However long, wide, high or strange a text is, it stays in its place and nothing scrolls sideways."""
    page = watch(
        host(said(LONG, ("W" * 32,) * len(LONG), tuple(each[:64] for each in LONG)), online_for=10**9).url,
        viewport={"width": width, "height": 640},
    )
    expect(page.locator(".message")).to_have_count(len(LONG))

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("log.scrollWidth <= log.clientWidth")
    assert overlapping(page) == []


def overlapping(page: Page) -> list[str]:
    """Messages that reach into the next, or out of their list."""
    found: list[str] = page.locator("#messages > *").evaluate_all(
        """items => items.filter((item, index) => {
          const { bottom, right } = item.getBoundingClientRect();
          const next = items[index + 1]?.getBoundingClientRect().top ?? Infinity;
          return bottom > next + 1 || right > innerWidth || bottom - item.getBoundingClientRect().top > 800;
        }).map(item => item.textContent)"""
    )
    return found


def test_a_text_turns_nothing_but_itself(host: Host, watch: Watch) -> None:
    """Each message has its own direction, by its first letter."""
    said = ["שלום", "hello", "123 مرحبا"]
    events: list[Event] = [began(START), registered("Ada", START)]
    page = watch(host([*events, *(MessagePosted(agent_id("Ada"), each, None, START) for each in said)]).url)
    expect(page.locator(".message")).to_have_count(len(said))

    directions = page.locator(".content").evaluate_all("all => all.map(each => getComputedStyle(each).direction)")
    assert directions == ["rtl", "ltr", "rtl"]
