"""A command chooses its room and its key from arguments, environment and file."""

import os
from argparse import Namespace
from pathlib import Path
from pwd import getpwuid

import msgspec
import pytest

from chatr.cli.commands.room.chosen_room import ChosenRoom, chosen_room
from chatr.cli.commands.room.joined_rooms import JoinedRoomsFile
from chatr.cli.errors import CommandError

HOME, WORK = "https://home.example", "https://work.example/chat"
JOINED = {HOME: {"name": "Ada", "apiKey": "of-ada"}, WORK: {"name": "Clerk", "apiKey": "of-clerk"}}


def choose(room: str | None = None, *, needs_key: bool = True) -> ChosenRoom:
    return chosen_room(Namespace(room=room), needs_key=needs_key)


def have_joined(*urls: str) -> None:
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "chatr" / "rooms.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode({"rooms": {url: JOINED[url] for url in urls}}))


def test_the_only_room_is_the_default() -> None:
    """A user who has joined one room need not name it."""
    have_joined(HOME)

    assert choose() == ChosenRoom(HOME, "of-ada", "Ada")


def test_of_several_rooms_one_must_be_named() -> None:
    """If several rooms were joined and none is named, a command fails with an error that lists them."""
    have_joined(HOME, WORK)

    with pytest.raises(CommandError, match=f"several rooms.*{HOME}, {WORK}"):
        choose()
    assert choose(WORK) == ChosenRoom(WORK, "of-clerk", "Clerk")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """CHATR_URL and CHATR_KEY win over the file of joined rooms, and --room wins over CHATR_URL."""
    have_joined(HOME, WORK)
    monkeypatch.setenv("CHATR_URL", "https://Home.example/")
    assert [choose(), choose(WORK)] == [ChosenRoom(HOME, "of-ada", "Ada"), ChosenRoom(WORK, "of-clerk", "Clerk")]

    monkeypatch.setenv("CHATR_KEY", "mine")
    assert choose() == ChosenRoom(HOME, "mine")


def test_a_key_is_not_sent_to_another_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """CHATR_KEY belongs to the room in CHATR_URL, and is not sent to a room that --room names."""
    monkeypatch.setenv("CHATR_URL", HOME)
    monkeypatch.setenv("CHATR_KEY", "mine")

    assert choose(WORK, needs_key=False) == ChosenRoom(WORK)
    with pytest.raises(CommandError, match=f"You have not joined {WORK}"):
        choose(WORK)


@pytest.mark.parametrize("key", ["a\nb", "schlüssel"])
def test_what_is_no_key_is_an_error(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A CHATR_KEY that no header can carry is wrong use, and the error does not repeat it."""
    have_joined(HOME)
    monkeypatch.setenv("CHATR_KEY", key)

    with pytest.raises(CommandError, match=r"^CHATR_KEY: it is no key of an agent\.$"):
        choose()


@pytest.mark.parametrize(("variable", "sentence"), [("", "You have joined no room"), ("ftp://x", "CHATR_URL: ")])
def test_without_a_room_the_error_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, variable: str, sentence: str
) -> None:
    """Without a room, or with an invalid address, the error says how to name one."""
    monkeypatch.setenv("CHATR_URL", variable)

    with pytest.raises(CommandError, match=sentence):
        choose()


def test_a_damaged_file_does_not_matter_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CHATR_URL and CHATR_KEY the file is not read."""
    have_joined()
    (Path(os.environ["XDG_CONFIG_HOME"]) / "chatr" / "rooms.json").write_text("{damaged")
    monkeypatch.setenv("CHATR_URL", HOME)
    with pytest.raises(CommandError, match="damaged"):
        choose()

    monkeypatch.setenv("CHATR_KEY", "mine")
    assert choose() == ChosenRoom(HOME, "mine")


def test_without_home_the_user_database_is_asked() -> None:
    """Without $HOME the file is in the user's home folder, and not in that of the system."""
    folder = JoinedRoomsFile.of_user({}).path.parent

    assert folder == Path(getpwuid(os.getuid()).pw_dir) / ".config" / "chatr"
