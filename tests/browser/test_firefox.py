"""The page in Debian's Firefox."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser.core_scenario import HISTORY, LIVE, post_as_bob, scenario_events
from tests.browser.firefox import firefox
from tests.browser.hosted_room import HostedRoom, host_room, write_log

TABS = 7


@pytest.mark.long
def test_the_page_works_in_firefox(tmp_path: Path) -> None:
    """Seven tabs share the one allowed stream. The first and the last show history, links, new messages, agents, cards,
    other colours, a search, the view of an agent, the past, and a timeline that is zoomed and stepped through.
    """
    file = write_log(tmp_path / "chatr.db", scenario_events())
    with (
        host_room(file, online_for=10**9, max_streams_per_ip=1) as room,
        ThreadPoolExecutor(1) as pool,  # Playwright's event loop may be running in this thread
    ):
        shown, used = pool.submit(asyncio.run, use_tabs(room, tmp_path)).result()

    assert (shown, used) == (["", ""], ["", ""])


async def use_tabs(room: HostedRoom, profile: Path) -> tuple[list[str], list[str]]:
    """What does not hold in the first and the last tab, of the history and of what comes then."""
    async with firefox(profile) as browser:
        tabs = [await browser.open_tab(room.url) for _ in range(TABS)][:: TABS - 1]
        shown = [await browser.run(tab, HISTORY) for tab in tabs]
        await asyncio.to_thread(post_as_bob, room)
        return shown, [await browser.run(tab, LIVE) for tab in tabs]
