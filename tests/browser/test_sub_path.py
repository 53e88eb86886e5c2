"""The page of a room below a path: by a node alone, and behind nginx and Caddy, which pass the path on or remove it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from attrs import define, field
from playwright.sync_api import Page, Request, Response, expect
from yarl import URL

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import MINUTE
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage
from tests.browser.hosted_room import HostedRoom, registered, unlimited, write_log
from tests.browser.sites import BEHIND_PROXIES, node_alone
from tests.http.test_base_path import addresses_in

POSTED = 10
"""Messages in the log, one a minute. Their ids begin after the records of the limits and of the agent."""
EVENTS: list[Event] = [
    unlimited(START),
    registered("Ada", START),
    *(MessagePosted(agent_id("Ada"), f"message {minute}", None, START + minute * MINUTE) for minute in range(POSTED)),
]
SITES = [
    pytest.param(node_alone, id="a node alone"),
    *(pytest.param(site, id=name, marks=pytest.mark.long) for name, site in BEHIND_PROXIES.items()),
]
DOCUMENTS = ("skills.md", "heartbeat.md", "llms.txt", ".well-known/agent-skills/index.json", "docs", "")


@pytest.fixture(params=SITES)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostedRoom]:
    """A room below a path; its URL has no slash at its end."""
    with request.param(write_log(tmp_path / "chatr.db", EVENTS), tmp_path) as hosted:
        yield hosted


@define(slots=False)  # playwright sets an attribute on the owner of a callback
class Traffic:
    """Collects the addresses that a page requests outside of the room, and responses that are errors."""

    room: str
    outside: list[str] = field(factory=list)
    errors: list[str] = field(factory=list)

    def watch(self, page: Page) -> None:
        """Listen to a page that is already open, and load it again."""
        page.on("request", self._request)
        page.on("response", self._response)
        page.reload()
        expect(page.locator("#state")).to_have_text("live")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.room}/", "data:")):
            self.outside.append(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url}")


@pytest.mark.long
def test_the_page_works_below_a_path(room: HostedRoom, open_page: OpenPage) -> None:
    """It is found without the slash, all that it requests is below the path and there, and messages arrive live."""
    page, traffic = open_page(room.url), Traffic(room.url)
    traffic.watch(page)
    page.locator("#join-by-hand summary").click()
    expect(page.locator("#skills")).to_have_text(f"{room.url}/skills.md")
    expect(page.locator("#register")).to_contain_text(f"curl -X POST {room.url}/api/register ")
    room.register("Bob").post("Hello below")

    expect(page.locator(".content").last).to_have_text("Hello below")
    expect(page.locator("#agents .name")).to_have_text(["Bob"])
    assert page.url == f"{room.url}/"
    assert (traffic.outside, traffic.errors) == ([], [])


@pytest.mark.long
def test_links_work_below_a_path(room: HostedRoom, open_page: OpenPage) -> None:
    """The address of a message and that of a moment show the same when they are opened anew."""
    page = open_page(f"{room.url}/")
    page.locator(".permalink").nth(4).click()
    message_url = page.url
    moment = START + 4 * MINUTE + 1
    page.locator("#handle").evaluate(
        "(handle, at) => { handle.value = at; handle.dispatchEvent(new Event('input')); }", moment
    )
    expect(page).to_have_url(f"{room.url}/#t-{iso_timestamp(moment)}")

    expect(open_page(message_url).locator(".target .content")).to_have_text("message 4")
    then = open_page(page.url)
    expect(then.locator("#state")).to_have_text("in the past")
    expect(then.locator(".content").last).to_have_text("message 4")
    then.locator("#back-to-live").click()
    expect(then).to_have_url(f"{room.url}/")
    expect(then.locator(".content").last).to_have_text(f"message {POSTED - 1}")


@pytest.mark.long
def test_the_page_of_endpoints_works_below_a_path(room: HostedRoom, open_page: OpenPage) -> None:
    """It lists the endpoints with the path in their examples, and leads back to the room."""
    page = open_page(f"{room.url}/")
    page.get_by_role("link", name="All endpoints").click()
    page.locator("#get_api_messages summary").click()

    expect(page.locator("#get_api_messages pre").first).to_have_text(re.compile(f"^curl {room.url}/api/messages"))
    page.get_by_role("link", name="the room").click()
    expect(page.locator("#state")).to_have_text("live")
    assert page.url == f"{room.url}/"


@pytest.mark.long
@pytest.mark.parametrize("room", [pytest.param(site, id=name) for name, site in BEHIND_PROXIES.items()], indirect=True)
def test_addresses_in_documents_lead_to_the_room(room: HostedRoom) -> None:
    """Each address in a document is below the path, and the proxy leads to what it names."""
    path = URL(room.url).path
    found = {
        address
        for document in DOCUMENTS
        for address in addresses_in(
            requests.get(f"{room.url}/{document}", timeout=10).text, URL(f"{room.url}/{document}")
        )
    }
    statuses = {
        address: requests.head(str(URL(room.url).with_path(address)), timeout=10).status_code
        for address in found
        if "{" not in address
    }

    assert {address for address in found if not f"{address}/".startswith(f"{path}/")} == set()
    assert {address: status for address, status in statuses.items() if status in (301, 404)} in ({}, {path: 301})
    assert len(found) > 20


@pytest.mark.long
@pytest.mark.parametrize("room", [pytest.param(site, id=name) for name, site in BEHIND_PROXIES.items()], indirect=True)
def test_commands_in_skills_md_work_below_a_path(room: HostedRoom) -> None:
    """Each command reaches its endpoint. Streams end after a second; Moltbook is not asked, and no message awaited."""
    skill = requests.get(f"{room.url}/skills.md", timeout=10).text.replace("\\\n", " ")
    commands = [line.strip() for line in skill.splitlines() if line.startswith("    curl ")]
    key = room.register("Eve").key
    statuses = {command: status_of(command, key) for command in commands if not re.search("complete|wait", command)}

    assert {command: status for command, status in statuses.items() if status != "200"} == {}
    assert len(statuses) > 5


def status_of(command: str, key: str) -> str:
    """Run a curl command of skills.md and return the status of the response."""
    options = " --silent --max-time 1 --output /dev/null --write-out '%{http_code}'"
    environ = {**os.environ, "CHATR_KEY": key}
    # A stream that is cut off is an error for curl, so its exit code says nothing.
    ended = subprocess.run(["bash", "-c", command + options], check=False, env=environ, capture_output=True, text=True)
    return ended.stdout
