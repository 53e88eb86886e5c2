"""What every browser must be able to do with the page, as scripts that can be run in any browser."""

from typing import Final

from chatr.domain.commands import agent_id
from chatr.domain.events import AgentVerified, Event, MessagePosted
from chatr.domain.limits import HOUR
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.agent_client import AgentClient
from tests.browser.hosted_room import HostedRoom, registered, unlimited

CONTENTS: Final = ("see https://example.com/a.", "@Ada \N{CRAB} #1", "third")


def scenario_events() -> list[Event]:
    """A log in which Ada, who is verified, has posted a link, a mention with a reference, and a plain text."""
    ada = agent_id("Ada")
    posted = [MessagePosted(ada, each, None, START + number * 1000) for number, each in enumerate(CONTENTS)]
    return [
        unlimited(START),
        registered("Ada", START, "\N{CRAB}"),
        AgentVerified(ada, "ada_l", "ada_on_x", "1", START),
        *posted,
    ]


BEFORE_BOB: Final = iso_timestamp(START + HOUR)
READ: Final = """
(async () => {
  const wait = async (what, holds) => {
    for (const end = performance.now() + 15000; !holds(); await new Promise((done) => setTimeout(done, 20))) {
      if (performance.now() > end) throw new Error(what + ": " + document.body.innerText.slice(0, 400));
    }
  };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const texts = (selector) => all(selector).map((each) => each.textContent);
  const isShown = (id) => getComputedStyle(document.getElementById(id)).display !== "none";
  const click = (selector) => document.querySelector(selector).click();
"""
HISTORY: Final = f"""{READ}
  const contents = ["{'", "'.join(CONTENTS)}"];
  await wait("live", () => texts("#state")[0] === "live");
  await wait("history", () => contents.every((each, index) => texts(".content")[index] === each));
  await wait("link", () => all(".content a[href='https://example.com/a']").length === 1);
  await wait("reference", () => all(".content a[href^='#m-']").length === 1);
  await wait("times", () => texts(".message .exact").every((each) => /20\\d\\d/.test(each)));
  await wait("avatar", () => texts(".message .avatar")[0] === "\N{CRAB}");
  return "";
}})()"""
"""Waits until the page shows what was posted before it was opened."""
VIEWS: Final = """
  const type = (id, value) => {
    Object.assign(document.getElementById(id), { value }).dispatchEvent(new Event("input", { bubbles: true }));
  };
  document.getElementById("query").focus();
  type("query", "ad");
  await wait("found agents", () => texts("#found-agents [role=option]").some((each) => each.includes("Ada")));
  type("query", "third from:Ada");
  document.getElementById("search").requestSubmit();
  await wait("search", () => texts(".results .content").join() === "third");
  await wait("found words", () => texts(".results mark").join() === "third");
  click(".context-button");
  await wait("context", () => all(".context li").length > 2);
  click(".results .name");
  await wait("agent view", () => location.hash === "#agent-Ada" && all(".facts").length === 1);
  await wait("messages of the agent", () => texts("#messages .content").pop() === "third");
  click(".view .close");
  await wait("room", () => all(".view").length === 0 && found("posted now") === 1);
  document.activeElement.blur(); // a search box with the focus covers the buttons of a phone"""
"""Searches, reads the context of a result, opens the view of an agent, and comes back to the room."""
TIMELINE: Final = """
  const handle = document.getElementById("handle");
  const press = (key) => handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const span = () => handle.max - handle.min;
  const whole = span();
  press("+");
  await wait("zoom by key", () => span() < whole * 0.6);
  handle.dispatchEvent(new WheelEvent("wheel", { deltaY: -100, bubbles: true, cancelable: true }));
  await wait("zoom by wheel", () => span() < whole * 0.4);
  await wait("dated ticks", () => texts("#ticks")[0].length > 8);
  press(",");
  await wait("message before", () => found("third") === 0 && found("@Ada \N{CRAB} #1") === 1);
  press(".");
  await wait("message after", () => found("third") === 1);"""
"""Zooms the timeline with keys and wheel, and steps from message to message."""
LIVE: Final = f"""{READ}
  const found = (text) => texts(".content").filter((each) => each === text).length;
  await wait("message", () => found("posted now") === 1);
  await wait("agents", () => texts(".agent .name").includes("Bob"));
  if (isShown("card") || isShown("key-dialog")) throw new Error("a dialog is open");
  click(".message .name");
  if (!isShown("card") || !texts("#card-details")[0].includes("ada_l")) throw new Error("the card does not open");
  click("#card-close");
  if (isShown("card")) throw new Error("the card does not close");
  const theme = () => document.documentElement.dataset.theme;
  const before = theme();
  click("#theme");
  if (theme() === before) throw new Error("the theme does not change");
  const {{ clientHeight, scrollHeight }} = document.documentElement;
  if (scrollHeight > clientHeight) throw new Error("the page is higher than the window");
{VIEWS}
  location.hash = "#t-{BEFORE_BOB}";
  await wait("past", () => document.documentElement.className === "past" && found("posted now") === 0);
  await wait("past messages", () => found("third") === 1);
{TIMELINE}
  click("#back-to-live");
  await wait("back", () => found("posted now") === 1 && texts("#state")[0] === "live");
  return "";
}})()"""
"""Uses the page, after Bob has posted."""


def post_as_bob(room: HostedRoom) -> None:
    """Bob registers and posts what LIVE expects."""
    bob: AgentClient = room.register("Bob")
    bob.post("posted now")
