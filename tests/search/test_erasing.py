"""Erased messages leave the index and its file, whatever happens meanwhile.

FTS5 stores a word as the difference to the one before it, so a search for bytes in the file proves nothing by itself:
the index is asked for all of its words, too.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.search.index_file import IndexFile
from chatr.app import running_room
from chatr.cli.commands.admin.short_lived_node import short_lived_node
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.moderation_commands import EraseRecords
from chatr.node.node import Node
from chatr.ports import LogUnavailable
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OPEN_SETTINGS, OpenRoom
from tests.erasures import erasure_of, record_erasure
from tests.node_agents import register_agent
from tests.postgres import Postgres
from tests.search.nodes import log_of, searched_node

# `zebra` comes before it in the index, so that FTS5 writes the rest of it as it is.
SECRET = "zebrafishery"
REST = b"fishery"
TEXTS = ("zebra one", f"the {SECRET} of Mill Road", "zebra two")
ERASED = 4
"""The position of the message with the secret."""


async def faulty_log_of(*texts: str) -> FaultyLog:
    """A log with these messages, which fails on demand."""
    return FaultyLog(await log_of(*texts))


def words_in(path: Path) -> set[str]:
    """All words of an index that is closed."""
    words: set[str] = set()
    with closing(sqlite3.connect(path)) as db:
        for (table,) in db.execute("select name from sqlite_master where sql like 'create virtual table%'").fetchall():
            db.execute(f"create virtual table temp.words using fts5vocab (main, {table}, row)")
            words |= {word for (word,) in db.execute("select term from temp.words")}
            db.execute("drop table temp.words")
    return words


def bytes_beside(path: Path) -> bytes:
    """The bytes of all files of the index."""
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


async def test_an_erasure_reaches_the_index(path: Path) -> None:
    """When an erasure is reported as complete, neither the index nor its files hold a word of the text."""
    log = await faulty_log_of(*TEXTS)
    async with searched_node(log, path) as room:
        before = await room.find(SECRET)
        held = REST in bytes_beside(path)
        await record_erasure(room.node, log, ERASED)
        await room.erasing.wait_until_clean()
        files = bytes_beside(path)
        others = await room.find("zebra")
    words = words_in(path)

    assert (before, held) == ([ERASED], True)
    assert REST not in files
    assert words == {"zebra", "one", "two"}
    assert others == [3, 5]


async def test_words_that_were_moved_leave_the_file(path: Path) -> None:
    """Copies of erased words that FTS5 made when it merged its tables do not stay in free pages."""
    log = await faulty_log_of(*(f"zebra {number} {SECRET}" for number in range(300)))
    async with searched_node(log, path) as room:
        agent = await register_agent(room.node)
        for number in range(60):
            await agent.post(f"later zebra {number}")
            await room.find("later")
        for start in range(3, 303, 100):
            await record_erasure(room.node, log, *range(start, start + 100))
        await room.erasing.wait_until_clean()
        files = bytes_beside(path)
        found = await room.find("zebra")

    assert REST not in files
    assert len(found) == 60


@pytest.mark.parametrize("erased_in_log", [True, False])
async def test_a_start_completes_an_erasure(path: Path, erased_in_log: bool) -> None:
    """A start cleans an index from before an erasure, also if the log has no text any longer."""
    log = await faulty_log_of(*TEXTS)
    async with searched_node(log, path) as room:
        await room.find(SECRET)
    async with searched_node(log) as other:
        if not erased_in_log:
            log.fail("erase", LogUnavailable("the store is away"))
        await record_erasure(other.node, log, ERASED)
        if erased_in_log:
            await other.erasing.wait_until_clean()
    log.heal()
    held = SECRET in words_in(path)
    async with searched_node(log, path) as room:
        await room.erasing.wait_until_clean()
        found = await room.find(SECRET)
        files = bytes_beside(path)

    assert held
    assert found == []
    assert REST not in files
    assert SECRET not in words_in(path)


async def test_a_start_from_a_checkpoint_completes_an_erasure(path: Path) -> None:
    """A start from a checkpoint removes texts whose erasure was folded before the checkpoint was written."""
    log = await faulty_log_of(*TEXTS)
    async with searched_node(log, path) as room:
        await room.find(SECRET)
    async with searched_node(log) as other:
        await record_erasure(other.node, log, ERASED)
        await other.erasing.wait_until_clean()
    held = SECRET in words_in(path)
    async with searched_node(log, path, room=other.node.room) as room:
        await room.erasing.wait_until_clean()

    assert held
    assert SECRET not in words_in(path)


def copy_as_after_a_kill(path: Path) -> Path:
    """Copy an index that is open, with its -wal file."""
    copy = path.parent / "copy.search"
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    return copy


async def test_a_start_empties_what_a_kill_left(path: Path) -> None:
    """A start empties the -wal file, in which a killed process may have left words of a replaced table."""
    async with searched_node(await faulty_log_of(*TEXTS), path) as room:
        await room.find(SECRET)
        copy = copy_as_after_a_kill(path)
    left = REST in Path(f"{copy}-wal").read_bytes()  # noqa: ASYNC240 -- a moment, in a test
    index = IndexFile(copy)
    emptied = Path(f"{copy}-wal").read_bytes()  # noqa: ASYNC240 -- as above
    index.close()

    assert left
    assert emptied == b""


@pytest.mark.parametrize("name", ["chatr.db.search", "given.index"])
async def test_an_operator_erases_without_a_server(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`chatr admin erase` without a running server cleans the index of the last server, and creates none."""
    url, path = f"sqlite:///{tmp_path}/chatr.db", tmp_path / name
    given = str(path) if name == "given.index" else None
    if given:
        monkeypatch.setenv("CHATR_SEARCH_INDEX", given)
    settings = Settings(**OPEN_SETTINGS | {"log": url, "search_index": given})
    async with running_room(settings, clock=SettableClock()) as room:
        agent = await register_agent(room.node)
        _, secret, _ = await agent.post(*TEXTS)
        await wait_until_indexed(room.node)
    held = SECRET in words_in(path)
    async with short_lived_node(url) as admin:
        await record_erasure(admin.node, admin.log, int(secret))
        await admin.erasing.wait_until_clean()
    words, files = words_in(path), bytes_beside(path)
    path.unlink()
    async with short_lived_node(url) as admin:
        await admin.erasing.wait_until_clean()

    assert held
    assert words == {"zebra", "one", "two"}
    assert REST not in files
    assert bytes_beside(path) == b""


@pytest.mark.long
async def test_an_erasure_reaches_the_index_of_every_node(
    open_room: OpenRoom, postgres: Postgres, tmp_path: Path
) -> None:
    """A node removes erased words from its index, even if the log is already empty when it learns of the erasure."""
    url, clock, paths = postgres.log(), SettableClock(), [tmp_path / f"{number}.search" for number in range(2)]
    nodes = [(await open_room(log=url, clock=clock, search_index=str(each))).running for each in paths]
    agent = await register_agent(nodes[0].node)
    _, secret, last = await agent.post(*TEXTS)
    found = [await find_when_folded(each.node, SECRET, int(last)) for each in nodes]
    held = [REST in bytes_beside(each) for each in paths]
    async with short_lived_node(url) as admin:
        erasing = await record_erasure(admin.node, admin.log, int(secret))
        await admin.erasing.wait_until_clean()
    left = [await find_when_folded(each.node, "zebra", erasing) for each in nodes]
    for each in nodes:
        await each.erasing.wait_until_clean()

    assert found == [[int(secret)], [int(secret)]]
    assert held == [True, True]
    assert [len(each) for each in left] == [2, 2]
    assert [REST in bytes_beside(each) for each in paths] == [False, False]


async def find_when_folded(node: Node, query: str, position: int) -> list[int]:
    """What a node finds once it has folded the record at `position`."""
    await node.follower.wait_until_folded(position)
    assert node.search is not None
    return list((await node.search.find(query, (None, None), 10)).positions)


async def wait_until_indexed(node: Node) -> None:
    assert node.search is not None
    await node.search.find(SECRET, (None, None), 1)


async def test_the_log_is_away_while_a_text_is_erased(path: Path) -> None:
    """While the log cannot be read, the erasure is reported as incomplete, and completed later."""
    texts = [*TEXTS, *["filling"] * MESSAGES_IN_MEMORY]
    log, reports = await faulty_log_of(*texts), list[str]()
    async with searched_node(log, path) as room:
        await room.find(SECRET)
        log.fail("read", LogUnavailable("the store is away"), times=2)
        await record_erasure(room.node, log, ERASED)
        await room.erasing.wait_until_clean(reports.append)
        files = bytes_beside(path)

    assert "Not everything is erased yet: the store is away." in reports
    assert REST not in files


async def test_an_index_that_cannot_be_cleaned_is_removed(path: Path) -> None:
    """If a part cannot be rebuilt, as on a full disk, the index is removed, and rebuilt later."""
    log = await faulty_log_of(*TEXTS)
    async with searched_node(log, path) as room:
        await room.find(SECRET)
        limit_pages(room.search)
        await record_erasure(room.node, log, ERASED)
        await room.erasing.wait_until_clean()
        files = bytes_beside(path)

    assert REST not in files


def limit_pages(search: object) -> None:
    """Make the disk full for the file of the index."""
    search._index._file._db.execute("pragma max_page_count = 1")  # type: ignore[attr-defined] # noqa: SLF001 -- the disk


async def test_a_text_that_is_erased_while_it_is_indexed(path: Path) -> None:
    """A text that is read before its erasure, and indexed after it, is removed again."""
    texts = [*TEXTS, *["filling"] * (MESSAGES_IN_MEMORY + 2_000)]
    log = await faulty_log_of(*texts)
    hold = log.hold("pick")  # the index asks for the last record after it has read the texts
    async with searched_node(log, path) as room:
        await hold.reached.wait()
        records = await log.log.pick([ERASED])
        await log.log.erase([ERASED])
        log.heal()
        event = erasure_of(*records)
        await room.node.commands.handle(EraseRecords(event.agent, event.records, event.reason, event.by, event.at))
        await room.erasing.wait_until_clean()
        found = await room.find(SECRET)
        files = bytes_beside(path)

    assert found == []
    assert REST not in files
