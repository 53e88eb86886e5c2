"""The wheel is complete."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import Serve
from tests.wheels import build_wheel, install


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(Path.cwd(), tmp_path_factory.mktemp("wheel"))


def test_the_wheel_brings_its_migrations(wheel: Path) -> None:
    """The schema is inside the wheel."""
    names = ZipFile(wheel).namelist()

    assert "chatr/migrations/sqlite/0001_log.sql" in names


@pytest.mark.long
def test_the_installed_wheel_opens_a_room(wheel: Path, serve: Serve, tmp_path: Path) -> None:
    """What pip installs from the wheel starts, away from the checkout."""
    installed = tmp_path / "installed"
    install(installed, wheel)

    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", package=installed)

    assert server.get("/skills.md").startswith("---")
