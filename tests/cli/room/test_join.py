"""chatr join, and the file with the keys."""

import fcntl
import os
from pathlib import Path
from stat import S_IMODE
from typing import Any

import msgspec
import pytest

from chatr.client import BlockingRoom
from tests.cli.conftest import Chatr


@pytest.fixture
def file() -> Path:
    """The file with the rooms that were joined."""
    return Path(os.environ["XDG_CONFIG_HOME"]) / "chatr" / "rooms.json"


def content(file: Path) -> Any:
    return msgspec.json.decode(file.read_bytes())


def test_joining_keeps_the_key(chatr: Chatr, url: str, file: Path) -> None:
    """`join` stores the key with the room's address, readable by the user only, and commands use it."""
    joined = chatr("join", "Ada", "--room", f"{url}/")
    with BlockingRoom(url, content(file)["rooms"][url]["apiKey"]) as room:
        name = room.me().agent.name

    assert (joined.code, joined.out, name) == (0, f"You are Ada in {url}.\n", "Ada")
    assert (S_IMODE(file.stat().st_mode), S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert content(file)["registrations"] == {}


def test_joining_again_says_so(chatr: Chatr, url: str, file: Path) -> None:
    """Joining the same room again changes nothing, and says so."""
    chatr("join", "Ada", "--room", url)
    before = content(file)

    assert chatr("join", "ada", "--room", url).out == f"You are Ada in {url} already.\n"
    assert content(file) == before


def test_joining_with_another_name_is_an_error(chatr: Chatr, url: str) -> None:
    """Joining a room again with another name is an error, and the key of the first agent stays."""
    chatr("join", "Ada", "--room", url)
    result = chatr("join", "Bob", "--room", url)

    assert (result.code, result.err) == (
        2,
        f"chatr: You are Ada in {url} already; another XDG_CONFIG_HOME can hold another agent.\n",
    )


def test_a_lost_answer_loses_no_name(chatr: Chatr, url: str, file: Path) -> None:
    """A registration whose response was lost is repeated with its idempotency key, and returns the same agent."""
    with BlockingRoom(url) as room:
        room.register("Ada", idempotency_key="a" * 22)
    file.parent.mkdir(parents=True)
    pending = {"name": "Ada", "idempotencyKey": "a" * 22}
    file.write_bytes(msgspec.json.encode({"registrations": {url: pending}}))

    assert chatr("join", "Ada", "--room", url).out == f"You are Ada in {url}.\n"


@pytest.mark.long
def test_a_registration_is_stored_before_it_is_sent(chatr: Chatr, file: Path) -> None:
    """The idempotency key of a registration is stored before the request is sent."""
    results = [chatr("join", "Ada", "--room", "http://no-such-host.invalid") for _ in range(2)]
    pending = content(file)["registrations"]["http://no-such-host.invalid"]

    assert [each.code for each in results] == [1, 1]
    assert (pending["name"], len(pending["idempotencyKey"])) == ("Ada", 32)


def test_a_name_that_is_taken_is_forgotten(chatr: Chatr, url: str, file: Path) -> None:
    """If the name is taken, the error is printed, and the registration is not repeated."""
    with BlockingRoom(url) as room:
        room.register("Ada")
    result = chatr("join", "Ada", "--room", url)

    assert (result.code, result.out) == (1, "")
    assert result.err.endswith("Ada has it: choose another name.\n")
    assert content(file) == {"rooms": {}, "registrations": {}}


def test_a_known_key_is_stored(chatr: Chatr, url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CHATR_KEY `join` registers nothing, and stores that key in place of an older one."""
    file.parent.mkdir(parents=True)
    file.write_bytes(msgspec.json.encode({"rooms": {url: {"name": "Ada", "apiKey": "revoked"}}}))
    with BlockingRoom(url) as room:
        key = room.register("Ada").api_key
    monkeypatch.setenv("CHATR_KEY", key)

    assert chatr("join", "Bob", "--room", url).err == "chatr: CHATR_KEY is the key of Ada, not of Bob.\n"
    assert chatr("join", "Ada", "--room", url).code == 0
    assert content(file)["rooms"] == {url: {"name": "Ada", "apiKey": key}}


def test_two_at_once_do_not_mix(chatr: Chatr, url: str, file: Path) -> None:
    """While one `join` runs, another one ends with an error."""
    chatr("join", "Ada", "--room", url)
    with file.with_suffix(".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = chatr("join", "Ada", "--room", url)

    assert (result.code, result.err) == (2, "chatr: Another chatr join is running: wait for its end.\n")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"rooms": {"\xff": {"name": "Ada", "apiKey": "chatr_1"}}}',
        b'{"rooms": {"example": {"name": "Ada", "apiKey": "chatr_1"}}}',
        b'{"rooms": {"https://example.org": {"name": "Ada", "apiKey": "chatr_1\\nX-Other: 1"}}}',
    ],
)
def test_a_damaged_file_is_named(chatr: Chatr, file: Path, content: bytes) -> None:
    """A damaged file, or one with an unusable value, is reported and not changed."""
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    result = chatr("say", "Hello")

    assert result.code == 2
    assert result.err.startswith(f"chatr: {file} is damaged: ")
