"""When the disk is full or fails, no post is acknowledged that is not stored, and the room recovers by itself."""

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
from tests.crash.conftest import start_and_fail
from tests.crash.kills import integrity
from tests.crash.tracing import failing_calls
from tests.stream_client import watching

FLAGS: Final = ("--rate-unverified", "100000/1", "--rate-requests", "100000/1", "--stats-every", "1")
RECOVERY_TIMEOUT: Final = 10.0
STOP_TIMEOUT: Final = 10.0

Failure = Callable[[Server, Path], AbstractContextManager[None]]


@contextmanager
def full_disk(_: Server | None, disk: Path) -> Iterator[None]:
    """Fill the disk to the last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    yield
    ballast.unlink()


def failing(call: str, error: str) -> Failure:
    """Return a failure in which a system call of the server fails with `error`."""
    return lambda server, _: failing_calls(server.process.pid, call, error)


NOT_STORED: Final = "storage_unavailable"
UNKNOWN: Final = "outcome_unknown"

FULL_DISK: Final = pytest.param(full_disk, NOT_STORED, id="full")
RARE_FAILURES: Final = [
    pytest.param(failing("pwrite64", "EROFS"), NOT_STORED, id="read-only", marks=pytest.mark.long),
    pytest.param(failing("pwrite64", "EIO"), NOT_STORED, id="writes fail", marks=pytest.mark.long),
]
FAILING_FLUSH: Final = (failing("fdatasync", "EIO"), UNKNOWN)
FAILURES: Final = pytest.mark.parametrize(
    ("failure", "code"),
    [FULL_DISK, *RARE_FAILURES, pytest.param(*FAILING_FLUSH, id="flushes fail", marks=pytest.mark.long)],
)
"""Failures of a disk, and the error code that agents get."""
OUTCOMES: Final = pytest.mark.parametrize(
    ("failure", "code"), [FULL_DISK, *RARE_FAILURES, pytest.param(*FAILING_FLUSH, id="flushes fail")]
)
"""The same; everyday tests include that whose outcome is unknown."""


@define
class Poster:
    """An agent that posts the numbers 0, 1, 2 …, each until it is acknowledged, and records the responses."""

    http: ClientSession
    key: str
    acknowledged: list[str] = field(factory=list)
    rejected: list[tuple[int, str]] = field(factory=list)
    _number: int = 0

    async def post(self) -> bool:
        """Post the next number, and return whether it was acknowledged."""
        content = str(self._number)
        headers = {"X-API-Key": self.key, "Idempotency-Key": content}
        async with self.http.post("/api/messages", json={"content": content}, headers=headers) as response:
            body = await response.json()
        if response.status == 200:
            self._number += 1
            self.acknowledged.append(content)
        else:
            self.rejected.append((response.status, body["code"]))
        return response.status == 200

    async def messages(self) -> list[str]:
        """Return what the room shows."""
        async with self.http.get("/api/messages?limit=100") as response:
            return [message["content"] for message in (await response.json())["messages"]]


@pytest.fixture
def server(serve: Serve, disk: Path) -> Server:
    """A server with its log on the small disk."""
    return serve("--log", f"sqlite:///{disk}/chatr.db", *FLAGS)


@pytest.fixture
async def ada(server: Server) -> AsyncIterator[Poster]:
    """A registered agent."""
    async with ClientSession(server.url) as http:
        yield Poster(http, await new_key(http))


async def post_until_rejected(ada: Poster) -> None:
    """Post until a post is rejected."""
    # A few posts may still fit into the pages that the file already has.
    while await ada.post():
        pass


async def post_until_acknowledged(ada: Poster) -> None:
    """Post until a post is acknowledged, at most for ten seconds."""
    async with asyncio.timeout(RECOVERY_TIMEOUT):
        while not await ada.post():
            pass


async def messages_of(server: Server) -> list[str]:
    """Return what the room of a server shows."""
    async with ClientSession(server.url) as http:
        return await Poster(http, "").messages()


@FAILURES
async def test_a_post_that_cannot_be_stored_is_rejected(
    server: Server, ada: Poster, disk: Path, failure: Failure, code: str
) -> None:
    """A post that the disk rejects gets a 503 in JSON; reads, streams and the process go on."""
    await ada.post()
    async with watching(server.url) as watch:
        with failure(server, disk):
            await post_until_rejected(ada)
            stats = await watch.next("stats")
            async with watching(server.url) as other:
                history = (await other.next("history")).data
            messages = await ada.messages()

    assert ada.rejected == [(503, code)]
    assert ada.acknowledged == messages == [message["content"] for message in history]
    assert stats.data["totalAgents"] == 1
    assert server.process.poll() is None


@FAILURES
async def test_posts_succeed_when_the_disk_works_again(
    server: Server, ada: Poster, disk: Path, serve: Serve, failure: Failure, code: str
) -> None:
    """At most ten seconds later posts succeed, without a restart; watchers receive them, and each message is stored
    once, also after a kill.
    """
    async with watching(server.url) as watch:
        with failure(server, disk):
            await post_until_rejected(ada)
        await post_until_acknowledged(ada)
        received = [(await watch.next("message")).data["content"] for _ in ada.acknowledged]
    server.kill()
    again = serve("--log", f"sqlite:///{disk}/chatr.db", *FLAGS)

    assert ada.acknowledged == received == await messages_of(again)
    assert integrity(disk / "chatr.db") == "ok"


@OUTCOMES
async def test_a_post_reported_as_not_stored_is_never_stored(
    server: Server, ada: Poster, disk: Path, serve: Serve, failure: Failure, code: str
) -> None:
    """A message that was reported as not stored is not there after a kill; one that was reported as unknown may be."""
    with failure(server, disk):
        await post_until_rejected(ada)
        server.kill()
    messages = await messages_of(serve("--log", f"sqlite:///{disk}/chatr.db", *FLAGS))

    assert messages[: len(ada.acknowledged)] == ada.acknowledged
    assert len(messages) - len(ada.acknowledged) <= (code == UNKNOWN)


@pytest.mark.long
async def test_a_room_on_a_full_disk_stops_with_exit_code_0(
    server: Server, ada: Poster, disk: Path, serve: Serve
) -> None:
    """A checkpoint that cannot be written does not change the exit code, and no acknowledged message is lost."""
    with full_disk(server, disk):
        await post_until_rejected(ada)
        server.process.terminate()
        code = await asyncio.to_thread(server.process.wait, STOP_TIMEOUT)

    assert code == 0
    assert ada.acknowledged == await messages_of(serve("--log", f"sqlite:///{disk}/chatr.db", *FLAGS))


def test_no_log_is_created_on_a_full_disk(disk: Path) -> None:
    """The server exits with one sentence that names the log and the reason."""
    with full_disk(None, disk):
        result = start_and_fail(disk)

    assert result.returncode == 2
    assert re.fullmatch(rf"chatr: The log at {disk}/chatr\.db cannot be opened: .*(full|I/O).*\.\n", result.stderr)
