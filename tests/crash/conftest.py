"""A small disk, and rooms that do not open."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.able import unable


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None:
        unable("needs mount")
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        unable(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def opening(folder: Path, *through: str) -> "subprocess.CompletedProcess[str]":
    """A room that cannot be opened."""
    command = [*through, sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", f"sqlite:///{folder}/chatr.db"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
