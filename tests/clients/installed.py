"""Client libraries that are installed for the tests of this folder: those of Node.js, and one of Python that has the
module name of another one.
"""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.requirements import node, skip_or_fail

PROGRAMS: Final = Path(__file__).parent / "programs"
SSECLIENT: Final = ("sseclient==0.0.27", "six==1.17.0")
"""Its module has the name of that of sseclient-py."""
NPM: Final = "lib/node_modules/npm/bin/npm-cli.js"
MAX_SECONDS: Final = 100


def cache_folder(programs: Path) -> Path:
    """Return the folder for these versions. It is kept between runs, so that only the first one needs a network."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    versions = (programs / "package-lock.json").read_bytes() + repr(SSECLIENT).encode()
    return cache / "chatr-tests" / sha256(versions).hexdigest()[:16]


def npm() -> list[str]:
    """Return the command that runs npm: the one that belongs to Node.js, or else the one on the machine."""
    bundled = Path(node()).parents[1] / NPM
    return [node(), str(bundled)] if bundled.exists() else [shutil.which("npm") or skip_or_fail("There is no npm.")]


def node_packages(programs: Path) -> Path:
    """Return a folder with these programs and the packages of their package-lock.json; skip the test without these."""
    folder = cache_folder(programs)
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(programs / "package.json", folder)
        shutil.copy(programs / "package-lock.json", folder)
        run([*npm(), "ci", "--no-audit", "--no-fund"], folder)
        (folder / "complete").touch()
    for program in programs.glob("*.*"):
        shutil.copy(program, folder)
    return folder


def install() -> Path:
    """Return a folder with the programs of this folder and what they import; skip the test if it cannot be had."""
    folder = node_packages(PROGRAMS)
    if not (folder / "sseclient").exists():
        run([sys.executable, "-m", "pip", "install", "--no-deps", "--target", "sseclient", *SSECLIENT], folder)
    return folder


def run(command: list[str], folder: Path) -> None:
    """Run a command that installs something. Without a network the test is skipped."""
    # npm starts Node.js by its name.
    path = f"{Path(node()).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        check=False,
        text=True,
        timeout=MAX_SECONDS,
    )
    if done.returncode:
        skip_or_fail(f"{' '.join(command[:4])} failed: {done.stderr[-500:]}")
