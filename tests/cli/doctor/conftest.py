"""A machine on which nothing is set, and whose disk is an ordinary one."""

from pathlib import Path

import pytest
from attrs import fields

from chatr.cli.doctor import disk
from chatr.settings import Settings, variable

ORDINARY = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but a port at which nobody listens."""
    for name in (each.name for each in fields(Settings)):
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv(variable("port"), "1")


@pytest.fixture(autouse=True)
def list_of_mounts(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of mounted file systems, which a test may change."""
    path = tmp_path_factory.mktemp("proc") / "mountinfo"
    path.write_text(ORDINARY)
    monkeypatch.setattr(disk, "MOUNTS", path)
    return path
