"""Wheels that tests build and install."""

import subprocess
import sys
from pathlib import Path


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into a folder that holds no other one of it, and return its path."""
    before = set(folder.glob("*.whl"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = set(folder.glob("*.whl")) - before
    return built


def install(folder: Path, *wheels: Path) -> None:
    """Install wheels into a folder for packages, without what they depend on."""
    options = "--quiet --no-deps --no-index --no-compile --target".split()
    pip = [sys.executable, "-m", "pip", "install", *options, str(folder)]
    subprocess.run([*pip, *map(str, wheels)], check=True, capture_output=True)
