"""The log of the large room, which tests and figures use."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests

from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.past.audit import Audit, Finding
from chatr.past.replay import batches
from chatr.testing.clock import START
from tests.browser.large_room import write_large_log
from tests.browser.large_room_events import RARE_WORD
from tests.browser.large_room_server import LargeRoom


async def audited(path: Path) -> tuple[list[Finding], bytes]:
    """Return what is wrong with a log, notes excepted, and its chain hash."""
    audit, findings = Audit(START), list[Finding]()
    async with sqlite_reader(path) as log:
        async for batch in batches(log, 0):
            for stored in batch:
                findings += audit.check(stored)
    findings += audit.end()
    return [finding for finding in findings if not finding.note], audit.room.chain_hash


@pytest.mark.long
def test_rules_and_repetition(tmp_path: Path) -> None:
    """The log obeys all rules, and is the same whenever it is written."""
    results = []
    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop may be running in this thread
        for name in ("first.db", "second.db"):
            pool.submit(write_large_log, tmp_path / name, 10_000, START).result()
            results.append(pool.submit(asyncio.run, audited(tmp_path / name)).result())

    assert results[0] == results[1]
    assert results[0][0] == []


@pytest.mark.long
def test_kinds_of_records(tmp_path: Path) -> None:
    """The log has erased messages, and every kind of record that moderation and keys leave."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(write_large_log, tmp_path / "chatr.db", 50_000, START).result()
    with closing(sqlite3.connect(tmp_path / "chatr.db")) as db:
        types = {name.partition(".")[0] for (name,) in db.execute("select distinct type from log")}
        ((erased,),) = db.execute("select count(*) from log where data = ''")

    assert types >= {"message-removed", "message-restored", "records-erased", "agent-suspended", "agent-reinstated"}
    assert types >= {"agent-left", "agent-seen", "agent-verified", "room-closed", "room-opened", "key-activated"}
    assert erased > 0


@pytest.mark.long
def test_search(large_room: LargeRoom) -> None:
    """The large room can be searched from the beginning: three of its million messages have the rare word."""
    found = requests.get(f"{large_room.url}/api/messages", {"q": RARE_WORD}, timeout=10).json()

    assert len(found["messages"]) == 3
