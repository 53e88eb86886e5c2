"""The commands beside a running server: they read what it has stored, and do not disturb it."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from attrs import frozen

from tests.cli.conftest import Chatr, LogFile, StartChatr
from tests.conftest import Serve, Server

UNLIMITED = "100000/1"


@frozen
class Room:
    """A running server, the log that it writes, and the key of an agent."""

    server: Server
    log_file: LogFile
    key: str

    def post(self, content: str) -> int:
        """Post a message and return its position."""
        return int(request(self.server, "/api/messages", self.key, content=content)["message"]["id"])

    @property
    def head(self) -> Any:
        """The server's head: position, digest and log id."""
        return json.loads(self.server.get("/api/log/head"))


def request(server: Server, path: str, key: str = "", **body: str) -> Any:
    """Send a POST request with JSON and return the JSON of the response."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    with urlopen(Request(server.url + path, json.dumps(body).encode(), headers)) as response:
        return json.loads(response.read())


OpenRoom = Callable[[str], Room]


@pytest.fixture
def open_room(serve: Serve, tmp_path: Path) -> OpenRoom:
    """Starts servers, each with its own log and an agent, Ada."""

    def open_one(name: str) -> Room:
        log_file = LogFile(tmp_path / f"{name}.db")
        server = serve("--log", log_file.url, "--rate-unverified", UNLIMITED, "--rate-requests", UNLIMITED)
        key = request(server, "/api/register", name="Ada")["agent"]["apiKey"]
        return Room(server, log_file, key)

    return open_one


@pytest.fixture
def room(open_room: OpenRoom) -> Room:
    """A server with one message, at position 3."""
    room = open_room("chatr")
    room.post("Hello from Ada")
    return room


@pytest.mark.parametrize("position", [*(pytest.param(each, marks=pytest.mark.long) for each in (1, 2, 4)), 3])
def test_the_server_shows_the_past_as_replay_prints_it(chatr: Chatr, room: Room, position: int) -> None:
    """GET /api/at and `chatr replay --at` agree about a position."""
    room.post("Is anybody there?")
    served = json.loads(room.server.get(f"/api/at?position={position}"))
    (replayed,) = chatr("replay", "--log", room.log_file.url, "--at", position, "--messages", 100, "--json").json

    assert {name: served[name] for name in replayed.keys() & served.keys()} == {
        name: replayed[name] for name in ("position", "time", "limits", "stats", "agents", "messages")
    }


def test_commands_read_what_the_server_has_acknowledged(chatr: Chatr, room: Room) -> None:
    """Each command sees the last acknowledged message, and the server accepts messages afterwards."""
    position = str(room.post("Is anybody there?"))
    results = [
        chatr(*command, "--log", room.log_file.url)
        for command in (("log",), ("replay", "--at", position), ("explain", position), ("audit",))
    ]

    assert [result.code for result in results] == [0, 0, 0, 0]
    assert ["Is anybody there?" in result.out for result in results] == [True, True, True, False]
    assert room.post("Yes.") > int(position)


@pytest.mark.long
def test_follow_prints_records_as_they_are_stored(start_chatr: StartChatr, room: Room) -> None:
    """`chatr log --follow` prints each new record until Ctrl-C, then exits with 130 and no message."""
    following = start_chatr("log", "--follow", "--last", "1", "--type", "message-posted", "--log", room.log_file.url)
    assert following.stdout is not None
    first = following.stdout.readline()
    room.post("What is this?")
    second = following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate()

    assert ("Hello from Ada" in first, "What is this?" in second) == (True, True)
    assert (following.returncode, errors) == (130, "")


def test_a_server_that_agrees_with_its_log_passes(chatr: Chatr, room: Room) -> None:
    """An audit with --url has no findings if head, totals, messages and online agents are those of the log."""
    result = chatr("audit", "--log", room.log_file.url, "--url", room.server.url)
    head = room.head

    assert result.lines[1] == f"head {head['position']}:{head['digest']}"
    assert (result.code, result.lines[0]) == (0, f"3 records of log {head['logId']}: 0 findings, 0 notes.")


def test_an_audit_finds_a_log_forged_under_a_running_server(chatr: Chatr, room: Room) -> None:
    """The server still has the digest from before the log was altered."""
    room.log_file.alter('update log set "check" = zeroblob(32) where position = 3')

    result = chatr("audit", "--log", room.log_file.url, "--url", room.server.url)

    assert result.code == 1
    assert f"position 3: The server has another digest for this position: {room.head['digest']}." in result.lines


def test_an_audit_finds_a_message_that_the_server_shows_otherwise(chatr: Chatr, room: Room) -> None:
    """The server shows the message as it was before the log was altered."""
    room.log_file.alter("update log set data = replace(data, 'Hello', 'Howdy') where position = 3")

    result = chatr("audit", "--log", room.log_file.url, "--url", room.server.url)

    assert "position 3: The server shows other messages." in result.lines


def test_an_audit_finds_a_log_that_is_behind_the_server(chatr: Chatr, room: Room, tmp_path: Path) -> None:
    """A copy of the log that lacks the newest record does not reach the server's position."""
    copy = LogFile(tmp_path / "copy.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{room.log_file.path}{suffix}", f"{copy.path}{suffix}")
    room.post("The copy does not have this")

    result = chatr("audit", "--log", copy.url, "--url", room.server.url)

    assert (result.code, result.lines[0]) == (
        1,
        "position 3: The server is at position 4, but this log ends here.",
    )


@pytest.mark.long
def test_an_audit_finds_a_server_of_another_log(chatr: Chatr, room: Room, open_room: OpenRoom) -> None:
    """A server of another log is recognised by the log's id."""
    other = open_room("other")
    other.post("Hello from elsewhere")

    result = chatr("audit", "--log", room.log_file.url, "--url", other.server.url)

    assert result.code == 1
    assert f"position 3: The server follows another log, {other.head['logId']}." in result.lines


def test_an_unreachable_server_is_an_error(chatr: Chatr, room: Room) -> None:
    """The sentence names the address at which no server answers."""
    room.server.kill()

    result = chatr("audit", "--log", room.log_file.url, "--url", room.server.url)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"chatr: No room answers at {room.server.url}: ")


def test_the_log_of_a_killed_server_is_read(chatr: Chatr, room: Room) -> None:
    """What was acknowledged is read from the files that the server left."""
    room.server.kill()

    result = chatr("log", "--log", room.log_file.url, "--type", "message-posted")

    assert (result.code, len(result.lines)) == (0, 1)
