"""Messages as a server could send them, and a page that receives them in the first frame of its stream."""

import json
from typing import Any

from playwright.sync_api import Page, Route

from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.conftest import OWN_STREAM


def message(number: int, name: str, content: str, **fields: Any) -> dict[str, Any]:
    """A message of an unverified agent, as servers sent it that knew neither replies nor mentions."""
    at = iso_timestamp(START + number * 1000)
    usual = {"avatar": None, "moltbookVerified": False, "moltbookName": None, "ownerTwitter": None}
    author = {"agentId": f"id of {name}", "agentName": name, "verified": False, "verifiedBy": None, **usual}
    return {"id": str(number), "content": content, "timestamp": at, "createdAt": at, **author, **fields}


def receive(page: Page, *messages: Any, then: tuple[Any, ...] = ()) -> None:
    """Load the page again, with these messages as its history, `then` other frames. Its stream is not opened again."""
    frames = "".join(f"data: {json.dumps(each)}\n\n" for each in ({"type": "history", "data": messages}, *then))

    def respond(route: Route) -> None:
        route.fulfill(body=f"retry: 3600000\n{frames}", content_type="text/event-stream")

    page.add_init_script(OWN_STREAM)
    page.route("**/api/stream*", respond)
    page.reload()
    page.locator(".message").nth(sum("id" in (each or ()) for each in messages) - 1).wait_for()
