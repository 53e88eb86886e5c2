"""A small disk, and servers that are expected not to start."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import skip_or_fail


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None:
        skip_or_fail("needs mount")
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        skip_or_fail(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def start_and_fail(folder: Path, *wrapper: str) -> "subprocess.CompletedProcess[str]":
    """Start a server on a log in `folder` that cannot be opened, by the command `wrapper` if given, until it ends."""
    command = [*wrapper, sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", f"sqlite:///{folder}/chatr.db"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
