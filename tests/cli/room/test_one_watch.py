"""One `chatr watch` for each agent."""

import os
from pathlib import Path

import pytest

from chatr.cli.commands.room.joined_rooms import JoinedRoomsFile
from tests.cli.conftest import Chatr

WATCH = ("watch", "--exec", "true", "--room", "http://no-such-host.invalid")


def test_a_second_watch_of_an_agent_is_rejected(chatr: Chatr, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would run the command a second time for each message. One of another agent may run."""
    monkeypatch.setenv("CHATR_KEY", "chatr_ada")
    with JoinedRoomsFile.of_user(os.environ).only_watch("chatr_ada"):
        second = chatr(*WATCH)
        monkeypatch.setenv("CHATR_KEY", "chatr_bob")
        of_other = chatr(*WATCH)

    assert second.code == 2
    assert second.err == "chatr: Another chatr watch of this agent is running: one handles all messages.\n"
    assert (of_other.code, "does not exist" in of_other.err) == (1, True)


def test_a_watch_with_a_given_key_needs_no_folder(
    chatr: Chatr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a container without a writable configuration folder it runs without a lock."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "absent" / "file"))
    monkeypatch.setenv("CHATR_KEY", "chatr_ada")
    (tmp_path / "absent").symlink_to("/proc/self/no-such-folder")

    assert "does not exist" in chatr(*WATCH).err
