"""Each installer gives a program that opens a room from a checkout, with migrations, pages and texts."""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import pytest

from chatr import __version__
from tests.requirements import skip_without_index

SECONDS: Final = 100
PIP: Final = (sys.executable, "-m", "pip")
PAGES: Final = (
    "*.md",
    "docs/**/*.md",
    "examples/*",
    "deploy/*",
    "chatr/**/*.py",
    "chatr/**/*.md",
    "chatr/**/*.html",
    "*.yaml",
)
"""What an operator or a developer reads."""
INSTALLS_BY_NAME: Final = re.compile(r"(?:pipx? install|uv (?:tool|pip) install|uvx)[^\n|`]*?['\" ]chatr\b")
"""A command that takes chatr from a package index, which does not have it."""

Install = Callable[[Path], Path]
"""Installs chatr into a folder and returns the program."""


def run(command: list[str], **variables: str) -> None:
    """Run a command that installs something. Without a network the test is skipped."""
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        skip_without_index(f"{' '.join(command[:4])} failed: {done.stderr[-500:]}")


def build_sdist(folder: Path) -> Path:
    """Build the source distribution and return its file."""
    run([sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(folder)])
    (built,) = folder.glob("*.tar.gz")
    return built


def from_sdist(folder: Path) -> Path:
    """Install the source distribution, into an environment that has the packages of this one."""
    environment = folder / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    # The backend that builds the wheel, and chatr's dependencies, are those of the tests.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    (next((environment / "lib").iterdir()) / "site-packages/tests.pth").write_text(packages)
    options = ["--no-deps", "--no-build-isolation"]
    run([*PIP, "--python", str(environment), "install", *options, str(build_sdist(folder))])
    return environment / "bin/chatr"


def tool(folder: Path, name: str) -> str:
    """Install a program from the package index and return its path."""
    run([sys.executable, "-m", "venv", "--without-pip", str(folder / name)])
    run([*PIP, "--python", str(folder / name), "install", "--quiet", name])
    return str(folder / name / "bin" / name)


def by_pipx(folder: Path) -> Path:
    """Install with pipx."""
    run([tool(folder, "pipx"), "install", "."], PIPX_HOME=f"{folder}/home", PIPX_BIN_DIR=f"{folder}/bin")
    return folder / "bin/chatr"


def by_uv(folder: Path) -> Path:
    """Install with uv."""
    variables = {
        "UV_TOOL_DIR": f"{folder}/tools",
        "UV_TOOL_BIN_DIR": f"{folder}/bin",
        "UV_CACHE_DIR": f"{folder}/cache",
    }
    run([tool(folder, "uv"), "tool", "install", "--python", sys.executable, "."], **variables)
    return folder / "bin/chatr"


@pytest.fixture(params=[from_sdist, by_pipx, by_uv])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The program that an installation gives."""
    install: Install = request.param
    return install(tmp_path)


@pytest.fixture
def installed_url(program: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of a room on a new log, opened by the installed program away from the checkout."""
    command = [str(program), "serve", "--port", "0", "--log", f"sqlite:///{tmp_path}/chatr.db"]
    environ = {"PATH": os.environ["PATH"]}
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None
        yield found[0]
        server.terminate()


@pytest.mark.long
def test_an_installed_program_opens_a_room(installed_url: str) -> None:
    """The room has its schema, its documents for agents, and its page with all files."""
    pages = {path: urlopen(f"{installed_url}{path}").read() for path in ("/skills.md", "/", "/docs", "/health")}

    assert pages["/skills.md"].startswith(b"---")
    assert b"<title>" in pages["/"]
    assert b"<title>" in pages["/docs"]
    assert __version__.encode() in pages["/health"]


@pytest.mark.long
def test_the_source_distribution_is_complete(tmp_path: Path) -> None:
    """It holds every file of the package and every migration, and nothing that lies beside them in the checkout."""
    with tarfile.open(build_sdist(tmp_path)) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    packed = ("chatr", "chatr_pytest_plugin.py", "migrations")
    files = subprocess.run(["git", "ls-files", *packed], capture_output=True, text=True, check=True)

    assert set(files.stdout.splitlines()) - held == set()
    assert {name.partition("/")[0] for name in held} <= {
        *(*packed, "README.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"),
    }


def test_nobody_is_advised_to_install_chatr_by_its_name() -> None:
    """Documents and errors give commands that work in a checkout: chatr is in no package index."""
    paths = {path for pattern in PAGES for path in Path().glob(pattern) if path.is_file()}
    advised = [
        f"{path}: {found[0]}" for path in sorted(paths) for found in INSTALLS_BY_NAME.finditer(path.read_text("utf-8"))
    ]

    assert Path("README.md") in paths
    assert advised == []
