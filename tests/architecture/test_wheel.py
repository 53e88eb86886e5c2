"""The wheel is complete."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import Serve


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_brings_its_migrations(wheel: Path) -> None:
    """The schema is inside the wheel."""
    names = ZipFile(wheel).namelist()

    assert "chatr/migrations/sqlite/0001_log.sql" in names


@pytest.mark.long
def test_the_installed_wheel_opens_a_room(wheel: Path, serve: Serve, tmp_path: Path) -> None:
    """What pip installs from the wheel starts, away from the checkout."""
    installed = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel)],
        check=True,
        capture_output=True,
    )

    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", package=installed)

    assert server.get("/skills.md").startswith("---")
