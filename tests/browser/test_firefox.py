"""The page in Debian's Firefox."""

import asyncio
from pathlib import Path

import pytest

from tests.browser.core_scenario import HISTORY, LIVE, post_as_bob, scenario_events
from tests.browser.firefox import firefox
from tests.browser.hosted_room import host_room, write_log

TABS = 7


@pytest.mark.long
async def test_the_page_works_in_firefox(tmp_path: Path) -> None:
    """Seven tabs share the one allowed stream. They show history, links, new messages, agents, cards, the past,
    and other colours.
    """
    file = await asyncio.to_thread(write_log, tmp_path / "chatr.db", scenario_events())
    with host_room(file, online_for=10**9, max_streams_per_ip=1) as room:
        async with firefox(tmp_path) as browser:
            tabs = [await browser.open_tab(room.url) for _ in range(TABS)]
            shown = [await browser.run(tab, HISTORY) for tab in tabs]
            await asyncio.to_thread(post_as_bob, room)
            used = [await browser.run(tab, LIVE) for tab in tabs]

    assert (shown, used) == ([""] * TABS, [""] * TABS)
