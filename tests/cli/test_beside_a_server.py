"""The commands beside a server that writes: they read what it has stored, and it does not notice."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from attrs import frozen

from tests.cli.conftest import Chatr, File, Start
from tests.conftest import Serve, Server

WIDE = "100000/1"


@frozen
class Room:
    """A server, the log it writes, and an agent in it."""

    server: Server
    file: File
    key: str

    def say(self, content: str) -> int:
        """The position of the message."""
        return int(ask(self.server, "/api/messages", self.key, content=content)["message"]["id"])

    @property
    def head(self) -> Any:
        return json.loads(self.server.get("/api/log/head"))


def ask(server: Server, path: str, key: str = "", **body: str) -> Any:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = Request(server.url + path, json.dumps(body).encode(), headers)
    with urlopen(request) as reply:
        return json.loads(reply.read())


OpenRoom = Callable[[str], Room]


@pytest.fixture
def open_room(serve: Serve, tmp_path: Path) -> OpenRoom:
    """Opens rooms, each with a log of its own."""

    def opened(name: str = "chatr") -> Room:
        file = File(tmp_path / f"{name}.db")
        server = serve("--log", file.url, "--rate-unverified", WIDE, "--rate-requests", WIDE)
        key = ask(server, "/api/register", name="Ada")["agent"]["apiKey"]
        return Room(server, file, key)

    return opened


@pytest.fixture
def room(open_room: OpenRoom) -> Room:
    room = open_room("chatr")
    room.say("Hello from Ada")
    return room


@pytest.mark.parametrize("position", [1, 2, 3, 4])
def test_a_server_shows_the_past_as_replay_does(chatr: Chatr, room: Room, position: int) -> None:
    """Whoever asks the server for a moment sees what `chatr replay --at` prints of it."""
    room.say("Is anybody there?")
    served = json.loads(room.server.get(f"/api/at?position={position}"))
    (replayed,) = chatr("replay", "--log", room.file.url, "--at", position, "--messages", 100, "--json").json

    assert {name: served[name] for name in replayed.keys() & served.keys()} == {
        name: replayed[name] for name in ("position", "time", "limits", "stats", "agents", "messages")
    }


def test_what_was_stored_is_read(chatr: Chatr, room: Room) -> None:
    """Every command sees what was acknowledged, and the server goes on writing."""
    position = str(room.say("Is anybody there?"))
    runs = [
        chatr(*command, "--log", room.file.url)
        for command in (("log",), ("replay", "--at", position), ("explain", position), ("audit",))
    ]

    assert [run.code for run in runs] == [0, 0, 0, 0]
    assert ["Is anybody there?" in run.out for run in runs] == [True, True, True, False]
    assert room.say("Yes.") > int(position)


def test_what_is_said_is_followed(start: Start, room: Room) -> None:
    """A record is printed as soon as it is stored, until Ctrl-C."""
    following = start("log", "--follow", "--last", "1", "--type", "message-posted", "--log", room.file.url)
    assert following.stdout is not None
    first = following.stdout.readline()
    room.say("What is this?")
    second = following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, told = following.communicate()

    assert ("Hello from Ada" in first, "What is this?" in second) == (True, True)
    assert (following.returncode, told) == (130, "")


def test_a_server_that_shows_what_its_log_says(chatr: Chatr, room: Room) -> None:
    """Head, totals, messages and who is online are the ones that the log gives."""
    run = chatr("audit", "--log", room.file.url, "--url", room.server.url)
    head = room.head

    assert run.lines[1] == f"head {head['position']}:{head['digest']}"
    assert (run.code, run.lines[0]) == (0, f"3 records of log {head['logId']}: 0 findings, 0 notes.")


def test_a_log_that_was_forged_beside_its_server(chatr: Chatr, room: Room) -> None:
    """The server remembers the head that was."""
    forged = 'update log set "check" = zeroblob(32) where position = 3'
    room.file.alter(forged)

    run = chatr("audit", "--log", room.file.url, "--url", room.server.url)

    assert run.code == 1
    assert f"position 3: The server's head is {room.head['digest']}." in run.lines


def test_a_message_that_is_shown_otherwise(chatr: Chatr, room: Room) -> None:
    """The server shows what it had folded, and the log says something else."""
    room.file.alter("update log set data = replace(data, 'Hello', 'Howdy') where position = 3")

    run = chatr("audit", "--log", room.file.url, "--url", room.server.url)

    assert "position 3: The server shows other messages." in run.lines


def test_a_copy_that_stayed_behind(chatr: Chatr, room: Room, tmp_path: Path) -> None:
    """A copy of the log is not where the server is."""
    copy = File(tmp_path / "copy.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{room.file.path}{suffix}", f"{copy.path}{suffix}")
    room.say("The copy has not heard of this")

    run = chatr("audit", "--log", copy.url, "--url", room.server.url)

    assert (run.code, run.lines[0]) == (1, "position 3: The server is at position 4, where this log is not.")


def test_another_server(chatr: Chatr, room: Room, open_room: OpenRoom) -> None:
    """A server of another log is told by the log's id."""
    other = open_room("other")
    other.say("Hello from elsewhere")

    run = chatr("audit", "--log", room.file.url, "--url", other.server.url)

    assert run.code == 1
    assert f"position 3: The server follows another log, {other.head['logId']}." in run.lines


def test_nobody_answers(chatr: Chatr, room: Room) -> None:
    """Where no room is, the sentence names the address."""
    room.server.kill()

    run = chatr("audit", "--log", room.file.url, "--url", room.server.url)

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"chatr: No room answers at {room.server.url}: ")


def test_a_log_whose_server_was_killed(chatr: Chatr, room: Room) -> None:
    """What was acknowledged is read from the files that are left."""
    room.server.kill()

    run = chatr("log", "--log", room.file.url, "--type", "message-posted")

    assert (run.code, len(run.lines)) == (0, 1)
