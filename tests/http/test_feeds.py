"""Feeds of the room and of an agent: Atom and JSON Feed."""

from itertools import chain
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from chatr.adapters.http.endpoints.feeds import ENTRIES
from chatr.adapters.stores.memory import MemoryLog
from tests.conftest import Agent, OpenRoom, Room
from tests.http.private_rooms import SECRET, room_with_secret
from tests.http.test_server import header
from tests.moderation import remove
from tests.node_agents import register_agent

ATOM: Final = "{http://www.w3.org/2005/Atom}"
THREAD: Final = "{http://purl.org/syndication/thread/1.0}"
FEEDS: Final = ("/feed.xml", "/feed.json", "/agents/Ada/feed.xml", "/agents/Ada/feed.json")


async def atom(room: Room, path: str = "/feed.xml") -> ET.Element:
    """Return an Atom feed."""
    answer = await room.get(path)
    assert (answer.status, header(answer, "Content-Type")) == (200, "application/atom+xml")
    return ET.fromstring(answer.raw)


async def json_feed(room: Room, path: str = "/feed.json") -> Any:
    """Return a JSON Feed."""
    answer = await room.get(path)
    assert (answer.status, header(answer, "Content-Type")) == (200, "application/feed+json")
    return answer.json


def links(element: ET.Element) -> dict[str, str]:
    """Return the links of a feed or an entry by their relation."""
    return {each.attrib["rel"]: each.attrib["href"] for each in element.findall(f"{ATOM}link")}


@pytest.fixture
async def public(open_room: OpenRoom) -> Room:
    return await open_room(public_url="https://example.org/chat")


@pytest.fixture
async def ada(public: Room) -> Agent:
    return await public.register()


async def test_an_atom_feed_has_what_the_standard_asks_for(public: Room, ada: Agent) -> None:
    """RFC 4287, 4.1: a feed and each entry have an id, a title and a time, and an entry has an author and a link."""
    first = await public.post_message(ada, "Hello!\n<b>you</b>")
    second = await public.post_message(ada, f"@Ada, see #{first['id']}", replyTo=first["id"])
    feed = await atom(public)
    reply, entry = feed.findall(f"{ATOM}entry")
    thread = reply.find(f"{THREAD}in-reply-to")

    assert thread is not None
    assert links(feed) == {
        "self": "https://example.org/chat/feed.xml",
        "first": "https://example.org/chat/feed.xml",
        "alternate": "https://example.org/chat/",
    }
    assert (feed.findtext(f"{ATOM}title"), feed.findtext(f"{ATOM}updated")) == (
        "chatr at example.org/chat",
        second["timestamp"],
    )
    assert links(entry) == {"alternate": f"https://example.org/chat/messages/{first['id']}"}
    assert [entry.findtext(f"{ATOM}{name}") for name in ("title", "published", "updated")] == [
        "Ada: Hello! <b>you</b>",
        first["timestamp"],
        first["timestamp"],
    ]
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Ada"
    assert entry.findtext(f"{ATOM}content") == '<p dir="auto">Hello!<br>\n&lt;b&gt;you&lt;/b&gt;</p>'
    assert (thread.attrib["ref"], thread.attrib["href"]) == (
        entry.findtext(f"{ATOM}id"),
        f"https://example.org/chat/messages/{first['id']}",
    )
    assert 'href="https://example.org/chat/#agent-Ada"' in (reply.findtext(f"{ATOM}content") or "")


async def test_a_json_feed_has_what_the_standard_asks_for(public: Room, ada: Agent) -> None:
    """JSON Feed 1.1: the newest item first, each with an id, an address, its text, its time and its author."""
    posted = await public.post_message(ada, "Hello!\n😀")
    feed = await json_feed(public)

    assert (feed["version"], feed["feed_url"], feed["home_page_url"]) == (
        "https://jsonfeed.org/version/1.1",
        "https://example.org/chat/feed.json",
        "https://example.org/chat/",
    )
    assert feed["items"] == [
        {
            "id": (await atom(public)).findtext(f"{ATOM}entry/{ATOM}id"),
            "url": f"https://example.org/chat/messages/{posted['id']}",
            "content_text": "Hello!\n😀",
            "content_html": '<p dir="auto">Hello!<br>\n😀</p>',
            "date_published": posted["timestamp"],
            "authors": [{"name": "Ada", "url": "https://example.org/chat/#agent-Ada"}],
        }
    ]


async def test_ids_never_change(open_room: OpenRoom) -> None:
    """Ids are unique, and the same on every node and at every address: a reader shows no message twice."""
    log = MemoryLog()
    first = await open_room(event_log=log, public_url="https://one.example")
    ada = await first.register()
    await first.post_message(ada, "one")
    await first.post_message(ada, "two")
    feeds = [await json_feed(first), await json_feed(first, "/agents/Ada/feed.json")]
    second = await open_room(event_log=log, public_url="https://two.example")
    ids = [[each["id"] for each in feed["items"]] for feed in (*feeds, await json_feed(second))]

    assert ids[0] == ids[1] == ids[2]
    assert len({*ids[0]}) == 2


async def test_an_agent_has_a_feed(public: Room, ada: Agent) -> None:
    """It has the messages of that agent alone, and its own id; a name that looks like it leads to the same feed."""
    bob = await public.register("Bob")
    await public.post_message(ada, "by Ada")
    await public.post_message(bob, "by Bob")
    feed = await atom(public, "/agents/ADA/feed.xml")

    assert [each["content_text"] for each in (await json_feed(public, "/agents/Ada/feed.json"))["items"]] == ["by Ada"]
    assert links(feed)["self"] == "https://example.org/chat/agents/Ada/feed.xml"
    assert feed.findtext(f"{ATOM}title") == "Ada in chatr at example.org/chat"
    assert len(feed.findall(f"{ATOM}entry")) == 1
    assert feed.findtext(f"{ATOM}id") != (await atom(public)).findtext(f"{ATOM}id")


@pytest.mark.parametrize("name", ["Nobody", "%2F", "x" * 100, "%00"])
async def test_an_unknown_agent_has_no_feed(name: str, room: Room) -> None:
    """The error is that of the agent, or of the path where it is no name."""
    answer = await room.get(f"/agents/{name}/feed.json")

    assert (answer.status, answer.json["success"]) == (404, False)


async def test_an_empty_feed_is_valid(room: Room) -> None:
    """A room without messages has a feed without entries, which says when it changed last all the same."""
    feed = await atom(room)

    assert (feed.findall(f"{ATOM}entry"), feed.findtext(f"{ATOM}updated")) == ([], "1970-01-01T00:00:00.000Z")
    assert (await json_feed(room))["items"] == []


@pytest.mark.parametrize("path", ["/feed.json", "/agents/Ada/feed.json"])
async def test_a_feed_leads_back_to_the_first_message(path: str, room: Room) -> None:
    """A page has the newest fifty messages, and the address of the next one until none is left."""
    agent = await register_agent(room.running.node)
    ids = await agent.post(*map(str, range(2 * ENTRIES + 1)))
    found, address = [], path
    while address:
        feed = await json_feed(room, address)
        found.append([each["url"].rpartition("/")[2] for each in feed["items"]])
        address = feed.get("next_url", "").removeprefix(room.running.url)

    assert list(map(len, found)) == [ENTRIES, ENTRIES, 1]
    assert [*chain(*found)] == ids[::-1]


async def test_pages_of_a_feed_name_each_other(room: Room) -> None:
    """RFC 5005, 3: each page names the first and the next one; all have the id of the feed."""
    ids = await (await register_agent(room.running.node)).post(*map(str, range(ENTRIES + 1)))
    first = await atom(room)
    second = await atom(room, f"/feed.xml?before={ids[1]}")

    assert links(first)["next"] == links(second)["self"]
    assert (links(second)["first"], "next" in links(second)) == (links(first)["self"], False)
    assert first.findtext(f"{ATOM}id") == second.findtext(f"{ATOM}id")


@pytest.mark.parametrize("path", FEEDS)
async def test_removed_messages_vanish(path: str, public: Room, ada: Agent) -> None:
    """A removed message is in no feed, nor quoted by a reply, and a reader that has the feed is sent it again."""
    posted = await public.post_message(ada, SECRET)
    await public.post_message(ada, "Why?", replyTo=posted["id"])
    before = await public.get(path)
    known = {"If-None-Match": str(header(before, "ETag"))}
    unchanged = await public.get(path, headers=known)
    await remove(public.running.node, ada.id, posted["id"])
    after = await public.get(path, headers=known)

    assert (SECRET in before.raw.decode(), unchanged.status, unchanged.raw) == (True, 304, b"")
    assert (after.status, SECRET in after.raw.decode(), "Why?" in after.raw.decode()) == (200, False, True)


@pytest.mark.parametrize("path", [each.replace("Ada", "Confidante") for each in FEEDS])
async def test_feeds_of_a_private_room_need_a_key(path: str, open_room: OpenRoom) -> None:
    """Without one they are 403, with one they are not stored."""
    room = await open_room(reading="agents")
    ada = await room_with_secret(room)
    refused, opened = await room.get(path), await room.get(path, agent=ada)

    assert (refused.status, refused.json["code"]) == (403, "reading_needs_key")
    assert (opened.status, SECRET in opened.raw.decode(), header(opened, "ETag")) == (200, True, None)
    assert {header(each, "Cache-Control") for each in (refused, opened)} == {"no-store"}


@pytest.mark.parametrize("path", FEEDS[:2])
async def test_a_malformed_id_is_rejected(path: str, room: Room) -> None:
    """As by GET /api/messages."""
    answer = await room.get(f"{path}?before=x")

    assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")
