"""The disk is full, or fails: nobody is told that something is stored that is not, and the room goes on by itself."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession
from attrs import define, field

from tests.conftest import Serve, Server, new_key
from tests.crash.conftest import opening
from tests.crash.kills import integrity
from tests.crash.tracing import refusing
from tests.watching import watching

WIDE: Final = ("--rate-unverified", "100000/1", "--rate-requests", "100000/1", "--stats-every", "1")
HEALED: Final = 10.0
STOPPED: Final = 10.0

Trouble = Callable[[Server, Path], AbstractContextManager[None]]


@contextmanager
def full(_: Server | None, disk: Path) -> Iterator[None]:
    """There is no room for another byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    yield
    ballast.unlink()


def failing(call: str, error: str) -> Trouble:
    return lambda server, _: refusing(server.process.pid, call, error)


NOTHING: Final = "storage_unavailable"
DOUBT: Final = "outcome_unknown"

TROUBLES: Final = pytest.mark.parametrize(
    ("trouble", "code"),
    [
        pytest.param(full, NOTHING, id="full"),
        pytest.param(failing("pwrite64", "EROFS"), NOTHING, id="read-only", marks=pytest.mark.long),
        pytest.param(failing("pwrite64", "EIO"), NOTHING, id="writes fail", marks=pytest.mark.long),
        pytest.param(failing("fdatasync", "EIO"), DOUBT, id="flushes fail"),
    ],
)
"""What may be wrong with a disk, and what agents are told then."""


@define
class Speaker:
    """An agent that numbers what it says, and remembers what came of it."""

    http: ClientSession
    key: str
    acknowledged: list[str] = field(factory=list)
    refused: list[tuple[int, str]] = field(factory=list)
    _number: int = 0

    async def say(self) -> bool:
        content = str(self._number)
        headers = {"X-API-Key": self.key, "Idempotency-Key": content}
        async with self.http.post("/api/messages", json={"content": content}, headers=headers) as reply:
            body = await reply.json()
        if reply.status == 200:
            self._number += 1
            self.acknowledged.append(content)
        else:
            self.refused.append((reply.status, body["code"]))
        return reply.status == 200

    async def said(self) -> list[str]:
        async with self.http.get("/api/messages?limit=100") as reply:
            return [message["content"] for message in (await reply.json())["messages"]]


@pytest.fixture
def server(serve: Serve, disk: Path) -> Server:
    return serve("--log", f"sqlite:///{disk}/chatr.db", *WIDE)


@pytest.fixture
async def ada(server: Server) -> AsyncIterator[Speaker]:
    async with ClientSession(server.url) as http:
        yield Speaker(http, await new_key(http))


async def until_refused(ada: Speaker) -> None:
    """Some may still find room in what the file already has."""
    while await ada.say():
        pass


async def until_heard(ada: Speaker) -> None:
    async with asyncio.timeout(HEALED):
        while not await ada.say():
            pass


async def said_in(server: Server) -> list[str]:
    async with ClientSession(server.url) as http:
        return await Speaker(http, "").said()


@TROUBLES
async def test_what_cannot_be_stored_is_refused(
    server: Server, ada: Speaker, disk: Path, trouble: Trouble, code: str
) -> None:
    """A post that the disk does not take is a 503 in JSON; reads, watchers and the process go on."""
    await ada.say()
    async with watching(server.url) as watch:
        with trouble(server, disk):
            await until_refused(ada)
            stats = await watch.next("stats")
            async with watching(server.url) as other:
                history = (await other.next("history")).data
            said = await ada.said()

    assert ada.refused == [(503, code)]
    assert ada.acknowledged == said == [message["content"] for message in history]
    assert stats.data["totalAgents"] == 1
    assert server.process.poll() is None


@TROUBLES
async def test_a_room_goes_on_when_the_disk_does(
    server: Server, ada: Speaker, disk: Path, serve: Serve, trouble: Trouble, code: str
) -> None:
    """Ten seconds later at most posts work again, without a restart; watchers hear them, and each message is there
    once, also after a kill.
    """
    async with watching(server.url) as watch:
        with trouble(server, disk):
            await until_refused(ada)
        await until_heard(ada)
        heard = [(await watch.next("message")).data["content"] for _ in ada.acknowledged]
    server.kill()
    again = serve("--log", f"sqlite:///{disk}/chatr.db", *WIDE)

    assert ada.acknowledged == heard == await said_in(again)
    assert integrity(disk / "chatr.db") == "ok"


@TROUBLES
async def test_a_refusal_that_says_nothing_was_stored_is_true(
    server: Server, ada: Speaker, disk: Path, serve: Serve, trouble: Trouble, code: str
) -> None:
    """When the process is killed right after a refusal, the message does not turn up; one in doubt may."""
    with trouble(server, disk):
        await until_refused(ada)
        server.kill()
    said = await said_in(serve("--log", f"sqlite:///{disk}/chatr.db", *WIDE))

    assert said[: len(ada.acknowledged)] == ada.acknowledged
    assert len(said) - len(ada.acknowledged) <= (code == DOUBT)


async def test_a_room_on_a_full_disk_stops_in_order(server: Server, ada: Speaker, disk: Path, serve: Serve) -> None:
    """That it cannot keep what it would keep is no failure, and nothing acknowledged is lost."""
    with full(server, disk):
        await until_refused(ada)
        server.process.terminate()
        code = await asyncio.to_thread(server.process.wait, STOPPED)

    assert code == 0
    assert ada.acknowledged == await said_in(serve("--log", f"sqlite:///{disk}/chatr.db", *WIDE))


def test_no_log_begins_on_a_full_disk(disk: Path) -> None:
    """The operator is told in a sentence which log cannot be opened, and why."""
    with full(None, disk):
        opened = opening(disk)

    assert opened.returncode == 2
    assert re.fullmatch(rf"chatr: The log at {disk}/chatr\.db cannot be opened: .*(full|I/O).*\.\n", opened.stderr)
