"""The archive: days, months and years as pages without scripts, and a page for each message."""

import re
from typing import Final

import pytest

from chatr.adapters.http.endpoints.archived_messages import PAGE_SIZE
from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.identity import AgentId
from chatr.domain.limits import HOUR, MESSAGES_IN_MEMORY, Limit
from tests.conftest import NO_RATE_LIMIT, Agent, OpenRoom
from tests.conftest import Room as RunningRoom
from tests.http.parsed_html import Html, parse
from tests.http.private_rooms import SECRET, change_reading, room_with_secret
from tests.http.test_server import header
from tests.moderation import record_erasure, remove, restore
from tests.node_agents import NodeAgent, numbered_texts

DAY: Final = 24 * HOUR
BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def page(room: RunningRoom, path: str, **options: object) -> Html:
    """Return a page that is there."""
    answer = await room.get(path, **options)
    assert answer.status == 200, answer.raw
    assert header(answer, "Content-Type") == "text/html; charset=utf-8"
    return parse(answer.raw)


async def post_on(room: RunningRoom, ada: Agent, *days: int) -> list[str]:
    """Post a message on each of these days, counted from the first one, and return their ids."""
    agent = NodeAgent(room.running.node, AgentId(ada.id), room.clock.now())
    start, ids = room.clock.now() // DAY * DAY, []
    for day in days:
        agent.at = max(agent.at, start + day * DAY)
        ids += await agent.post(f"on day {day}")
    return ids


@pytest.fixture
async def ada(room: RunningRoom) -> Agent:
    return await room.register()


async def test_a_day_has_its_messages(room: RunningRoom, ada: Agent) -> None:
    """A day in UTC has the messages from midnight to midnight, with links to the days with messages beside it."""
    ids = await post_on(room, ada, 0, 3, 3, 40)
    html = await page(room, "/archive/2026-01-04")

    assert html.text_of("p content") == "on day 3" * 2
    assert [of["id"] for tag, of in html.elements if tag == "li"] == [f"m-{each}" for each in ids[1:3]]
    assert html.links()[:5] == [
        "../",
        "../archive",
        "../archive/2026-01",
        "../archive/2026-01-01",
        "../archive/2026-02-10",
    ]
    assert "UTC" in html.text_of("p secondary")


async def test_a_month_is_a_calendar(room: RunningRoom, ada: Agent) -> None:
    """Each day of a month stands in a table, those with messages with a link and their number."""
    await post_on(room, ada, 0, 3, 3, 40)
    html = await page(room, "/archive/2026-01")
    table = [text.strip() for path, text in html.texts if "table calendar" in path and text.strip()]

    assert table[1:8] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert [text for text in table if text.startswith(":")] == [": 1 message", ": 2 messages"]
    assert len([each for each in table if each.isdigit() and 1 <= int(each) <= 31]) >= 31
    assert [each for each in html.links() if re.search(r"\d$", each)] == [
        "../archive/2026-02",
        "../archive/2026-01-01",
        "../archive/2026-01-04",
    ]


async def test_years_lead_to_months(room: RunningRoom, ada: Agent) -> None:
    """The list of years has the months with messages, the newest year first, and how many they have."""
    await post_on(room, ada, 0, 3, 400)
    html = await page(room, "/archive")

    assert [text for path, text in html.texts if path.endswith("h2 ")] == ["2027", "2026"]
    assert [each for each in html.links() if "/archive/" in each] == ["./archive/2027-02", "./archive/2026-01"]
    assert "2 messages" in html.text_of("main ")


async def test_a_clock_far_ahead_moves_no_other_message(room: RunningRoom, ada: Agent) -> None:
    """A message with a time of 2090 is on its day, and those after it, with right clocks, are on theirs."""
    bob = await room.register("Bob")
    ahead = NodeAgent(room.running.node, AgentId(bob.id), 120 * 366 * DAY)
    await ahead.post("from the future")
    await post_on(room, ada, 0, 1)
    days = [await page(room, f"/archive/{day}") for day in ("2026-01-01", "2026-01-02", "2090-04-01")]

    assert [html.text_of("p content") for html in days] == ["on day 0", "on day 1", "from the future"]


async def test_an_empty_room_has_an_archive(room: RunningRoom) -> None:
    """It says that there are no messages."""
    assert "There are no messages yet." in (await page(room, "/archive")).text_of("main ")


@pytest.mark.parametrize(
    "path",
    [
        *("2026-01-02", "2026-02", "2025-12-31", "2026-13", "2026-02-30", "2026", "0000-01", "9999-12-31", "20260101"),
        *("2026-W01-1", "2026-01-01T00:00", "today", "%D9%A2026-01-01", "2026-01-01%2F2", "2026-01-01?page=2"),
    ],
)
async def test_what_has_no_messages_is_not_found(path: str, room: RunningRoom, ada: Agent) -> None:
    """A day or page without messages, and what is none, is a 404: as a page for browsers, as JSON for programs."""
    await post_on(room, ada, 0)
    json, html = await room.get(f"/archive/{path}"), await room.get(f"/archive/{path}", headers=BROWSER)

    assert (json.status, json.json["code"]) == (404, "not_in_archive")
    assert (html.status, header(html, "Content-Type")) == (404, "text/html; charset=utf-8")
    assert "../archive" in parse(html.raw).links()


async def fill(room: RunningRoom, ada: Agent, count: int) -> list[str]:
    """Post so many messages on the first day."""
    agent = NodeAgent(room.running.node, AgentId(ada.id), room.clock.now())
    ids = []
    for text in numbered_texts(count):
        # No time passes, because thousands of messages would not fit into a day.
        agent.at = room.clock.now() - 5 * 60_000
        ids += await agent.post(text)
    return ids


@pytest.mark.long
async def test_a_long_day_has_pages(open_room: OpenRoom) -> None:
    """Pages of a hundred messages, with links; they stay the same when messages are removed and posted later.

    Messages that are no longer in memory are read from the log.
    """
    room = await open_room(rate_unverified=NO_RATE_LIMIT)
    ada = await room.register()
    ids = await fill(room, ada, MESSAGES_IN_MEMORY + 2 * PAGE_SIZE + 1)
    last = len(ids) // PAGE_SIZE + 1
    await remove(room.running.node, ada.id, ids[0])
    first, second = await page(room, "/archive/2026-01-01"), await page(room, "/archive/2026-01-01?page=2")
    final = await page(room, f"/archive/2026-01-01?page={last}")

    assert [of["id"] for tag, of in second.elements if tag == "li"] == [f"m-{each}" for each in ids[100:200]]
    assert len([tag for tag, _ in first.elements if tag == "li"]) == PAGE_SIZE
    assert [of["id"] for tag, of in final.elements if tag == "li"] == [f"m-{each}" for each in ids[(last - 1) * 100 :]]
    assert f"page 2 of {last}" in second.text_of("h1 ")
    assert [each for each in second.links() if "01-01" in each][:4] == [
        "../archive/2026-01-01",
        "../archive/2026-01-01",
        "../archive/2026-01-01?page=3",
        f"../archive/2026-01-01?page={last}",
    ]
    assert f"../archive/2026-01-01?page=2#m-{ids[150]}" in (await page(room, f"/messages/{ids[150]}")).links()


async def test_a_removed_message_is_shown_as_such(room: RunningRoom, ada: Agent) -> None:
    """It has its author, its time and the reason, and its text is nowhere; restored, it is there again."""
    text = "a text that is removed"
    posted = await room.post_message(ada, text)
    await room.post_message(ada, "Why?", replyTo=posted["id"])
    await remove(room.running.node, ada.id, posted["id"])
    paths = ["/archive/2026-01-01", f"/messages/{posted['id']}"]
    pages = [await room.get(path) for path in paths]
    await restore(room.running.node, ada.id, posted["id"])

    for answer in pages:
        assert "This message was removed by the operator. Reason:" in answer.raw.decode()
        assert text not in answer.raw.decode()
    assert [text in (await room.get(path)).raw.decode() for path in paths] == [True, True]


async def test_an_erased_message_is_shown_as_erased(room: RunningRoom, ada: Agent) -> None:
    """An erased text is in no page; the reason is."""
    text = "a text that is erased"
    posted = await room.post_message(ada, text)
    node = room.running.node
    before = await room.get(f"/messages/{posted['id']}")
    await record_erasure(node, ada.id, posted["id"])
    known = {"If-None-Match": str(header(before, "ETag"))}
    pages = [await room.get(path, headers=known) for path in ("/archive/2026-01-01", f"/messages/{posted['id']}")]

    assert ["The text of this message was erased. Reason:" in each.raw.decode() for each in pages] == [True, True]
    assert [text in each.raw.decode() for each in pages] == [False, False]


async def test_a_message_has_its_own_page(room: RunningRoom, ada: Agent) -> None:
    """It is marked among its neighbours; the page leads to the room and to the whole day."""
    ids = [(await room.post_message(ada, f"text {number}"))["id"] for number in range(14)]
    html = await page(room, f"/messages/{ids[7]}")
    items = [of for tag, of in html.elements if tag == "li"]

    assert [of["id"] for of in items] == [f"m-{each}" for each in ids[2:13]]
    assert [of["id"] for of in items if of.get("aria-current")] == [f"m-{ids[7]}"]
    assert {f"../#m-{ids[7]}", f"../archive/2026-01-01#m-{ids[7]}"} <= {*html.links()}


async def test_a_link_to_a_message_has_a_preview(open_room: OpenRoom) -> None:
    """Its title has the agent and the time, its description is the text; the addresses are public ones."""
    room = await open_room(public_url="https://example.org/chat")
    posted = await room.post_message(await room.register(), 'He said: "<b>Hi!</b>" &amp; left\n😀')
    answer = await room.get(f"/chat/messages/{posted['id']}")
    html, address = parse(answer.raw), f"https://example.org/chat/messages/{posted['id']}"
    canonical = next(of["href"] for tag, of in html.elements if tag == "link" and of["rel"] == "canonical")

    assert html.meta("og:title") == "Ada, 2026-01-01 00:05 UTC"
    assert html.meta("og:description") == 'He said: "<b>Hi!</b>" &amp; left 😀'
    assert html.meta("article:published_time") == posted["timestamp"]
    assert (html.meta("og:url"), canonical) == (address, address)
    assert html.meta("og:image") == "https://example.org/chat/page/preview.png"
    assert [each for each in html.links() if not each.startswith("../")] == []


@pytest.mark.parametrize("message", ["1", "999", "x", "0", "1" * 30])
async def test_an_unknown_message_is_not_found(message: str, room: RunningRoom, ada: Agent) -> None:
    """As a page for browsers, as JSON for programs."""
    json, html = await room.get(f"/messages/{message}"), await room.get(f"/messages/{message}", headers=BROWSER)

    assert (json.status, json.json["code"]) == (404, "message_not_found")
    assert (html.status, "There is no such message" in parse(html.raw).text_of("h1 ")) == (404, True)


async def test_a_changed_page_has_another_tag(room: RunningRoom, ada: Agent) -> None:
    """What the page shows changes its ETag: a message, a removal, the next day, the language. What it does not show
    leaves it as it is.
    """
    posted = await room.post_message(ada, "Hello!")
    tags = [await tag(room)]
    await room.post("/api/heartbeat", agent=ada)
    assert await tag(room) == tags[0]

    await room.post_message(ada, "again")
    tags.append(await tag(room))
    await remove(room.running.node, ada.id, posted["id"])
    tags.append(await tag(room))
    room.clock.advance(DAY)
    await room.post_message(ada, "tomorrow")
    tags += [await tag(room), await tag(room, "zh-Hans")]

    assert len({*tags}) == len(tags)


async def test_an_id_leads_only_to_an_earlier_message(room: RunningRoom, ada: Agent) -> None:
    """A page that a client has is not changed by a message that comes later, whose id was in a text before."""
    first = int((await room.post_message(ada, "the first"))["id"])
    second = int((await room.post_message(ada, f"#{first} and #{first + 2}"))["id"])
    third = int((await room.post_message(ada, "the third"))["id"])
    page = (await room.get(f"/messages/{second}")).raw.decode()

    assert (second, third) == (first + 1, first + 2)
    assert [f">#{position}</a>" in page for position in (first, third)] == [True, False]


async def tag(room: RunningRoom, language: str = "en") -> str:
    """Return the ETag of the first day, for which the page is not sent again."""
    headers = {"Accept-Language": language}
    found = str(header(await room.get("/archive/2026-01-01", headers=headers), "ETag"))
    again = await room.get("/archive/2026-01-01", headers={**headers, "If-None-Match": found})
    assert (again.status, header(again, "ETag"), header(again, "Cache-Control")) == (304, found, "no-cache")
    return found


async def test_nodes_agree_on_tags(open_room: OpenRoom) -> None:
    """Behind a load balancer, a client that has a page of one node need not load it from another one."""
    log, url = MemoryLog(), "https://chat.example.org"
    first = await open_room(event_log=log, public_url=url)
    posted = await first.post_message(await first.register(), "Hello!")
    second = await open_room(event_log=log, public_url=url)
    answers = [await each.get(f"/messages/{posted['id']}") for each in (first, second)]

    assert header(answers[0], "ETag") == header(answers[1], "ETag")


async def test_a_private_room_has_no_archive_for_strangers(open_room: OpenRoom) -> None:
    """Browsers get a page that says what to do, programs JSON, and no cache stores what a key opens."""
    room = await open_room(reading="agents")
    ada = await room_with_secret(room)
    for path in ("/archive", "/archive/2026-01-01", "/archive/2026-01", "/messages/3"):
        browser, program = await room.get(path, headers=BROWSER), await room.get(path)
        opened = await room.get(path, agent=ada)

        assert (browser.status, program.status, program.json["code"]) == (403, 403, "reading_needs_key")
        assert "This room is private" in parse(browser.raw).text_of("h1 ")
        assert SECRET not in browser.raw.decode()
        assert {header(each, "Cache-Control") for each in (browser, program, opened)} == {"no-store"}
        assert (opened.status, header(opened, "ETag")) == (200, None)


async def test_a_room_that_became_private_confirms_no_page(room: RunningRoom) -> None:
    """A browser that has a page of the open room gets no 304."""
    await room_with_secret(room)
    shown = await room.get("/archive/2026-01-01")
    await change_reading(room, "agents")
    hidden = await room.get("/archive/2026-01-01", headers={"If-None-Match": str(header(shown, "ETag"))})

    assert (shown.status, hidden.status) == (200, 403)


async def test_too_many_requests_get_a_page(open_room: OpenRoom) -> None:
    """A browser beyond the rate of requests gets a page with the sentence of the error, a program gets JSON."""
    room = await open_room(rate_requests=Limit(1, HOUR))
    await room.get("/archive")
    browser, program = await room.get("/archive", headers=BROWSER), await room.get("/archive")

    assert (browser.status, program.status, program.json["code"]) == (429, 429, "request_rate_limited")
    assert "rate limit" in parse(browser.raw).text_of("main ")
    assert header(browser, "Retry-After") is not None


@pytest.mark.parametrize("path", ["/archive", "/archive/2026-01", "/archive/2026-01-01", "/messages/3", "/messages/9"])
async def test_pages_are_in_the_language_of_the_reader(path: str, room: RunningRoom) -> None:
    """Accept-Language decides; a language in the address wins, and stays in the addresses of links."""
    await room_with_secret(room)
    chinese = parse((await room.get(path, headers={**BROWSER, "Accept-Language": "zh-CN,zh;q=0.9"})).raw)
    named = parse((await room.get(f"{path}?language=zh-Hans", headers=BROWSER)).raw)
    english = parse((await room.get(f"{path}?language=en", headers={**BROWSER, "Accept-Language": "zh-CN"})).raw)

    assert [each.elements[0][1]["lang"] for each in (chinese, named, english)] == ["zh-Hans", "zh-Hans", "en"]
    assert "存档" in chinese.text_of("header ")
    assert [each for each in chinese.links()[:-2] if "language=" in each] == []
    assert [each for each in named.links()[:-2] if "language=zh-Hans" not in each] == []


async def test_pages_have_the_policy_of_all_pages(room: RunningRoom) -> None:
    """No script and nothing of another site can be loaded, errors included."""
    await room_with_secret(room)
    watch_page = await room.get("/")
    paths = ("/archive", "/archive/2026-01-01", "/messages/3", "/messages/0")
    answers = [await room.get(path, headers=BROWSER) for path in paths]

    assert {header(each, "Content-Security-Policy") for each in answers} == {
        header(watch_page, "Content-Security-Policy")
    }
    assert [b"<script" in each.raw for each in answers] == [False] * 4
