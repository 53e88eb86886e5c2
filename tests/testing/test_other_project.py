"""A project with a store of its own tests it with the kit, and serves it."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest
from attrs import frozen

from tests.conftest import Serve, Server
from tests.wheels import build_wheel, install

EXAMPLE: Final = Path("examples/jsonl_store")
BROKEN_STORE: Final = """
from functools import partial

import jsonl_store
import pytest

from chatr.testing.contract.appends import test_append_returns_the_record_that_is_read_later
from chatr.testing.contract.fixtures import log


async def read_backwards(self, after, limit):
    return self._records[after : after + limit][::-1]


@pytest.fixture
def open_log(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl_store.JsonlLog, "read", read_backwards)
    return partial(jsonl_store.open_log, f"jsonl:///{tmp_path}/room.jsonl")
"""
COMMANDS: Final = """
import json, sys
from chatr.cli.main import main

for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as end:
        print("exit code", end.code, flush=True)
"""
"""Runs several commands in one process, which saves the imports of all but the first."""


@frozen
class Project:
    """A project in an environment where chatr and the project are installed from their wheels."""

    folder: Path
    environment: Path

    @property
    def packages(self) -> Path:
        """Where packages are installed."""
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.environment)}))

    def python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the environment's Python in the project's folder."""
        environ = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        python = self.environment / "bin" / "python"
        return subprocess.run(
            [python, *arguments], cwd=self.folder, env=environ, text=True, capture_output=True, check=False
        )

    def pytest(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the project's tests, with all warnings as errors."""
        return self.python("-m", "pytest", "-W", "error", "--strict-markers", "-p", "no:cacheprovider", *arguments)

    def chatr(self, *commands: list[str]) -> str:
        """Run commands one after the other, and return what they print, each with a line for its exit code."""
        ended = self.python("-c", COMMANDS, json.dumps(commands))
        return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example, in an environment with the dependencies of this one."""
    folder, environment = tmp_path_factory.mktemp("project") / "project", tmp_path_factory.mktemp("environment")
    shutil.copytree(EXAMPLE, folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    project = Project(folder, environment)
    wheels = tmp_path_factory.mktemp("wheels")
    install(project.packages, build_wheel(Path.cwd(), wheels), build_wheel(folder, wheels))
    # Read after the environment's own folder, so that its chatr is the one that is found.
    (project.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    # The store that is tested must be the installed one.
    (folder / "jsonl_store.py").unlink()
    return project


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder that costs no flush of a disk, where there is one. The store flushes each record by itself."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.long
def test_a_store_of_another_project_is_tested_with_the_contract(project: Project, memory_folder: Path) -> None:
    """The kit runs in pytest-asyncio's strict mode, its markers are registered, and it causes no warning."""
    ended = project.pytest("-m", "not long", f"--basetemp={memory_folder}/tests")

    assert re.search(r"\n=+ \d{3} passed, 1 deselected in ", ended.stdout), ended.stdout + ended.stderr


@pytest.mark.long
def test_a_failed_assertion_of_the_contract_shows_the_difference(project: Project) -> None:
    """A broken store fails with both sides of the comparison, here in pytest-asyncio's auto mode."""
    broken = project.folder / "test_broken.py"
    broken.write_text(BROKEN_STORE)
    ended = project.pytest("-o", "asyncio_mode=auto", str(broken))
    broken.unlink()

    assert "1 failed" in ended.stdout
    assert re.search(r"\nE +At index 0 diff: Stored\(id=.* != Stored\(id=", ended.stdout), ended.stdout


def test_the_plugin_needs_only_pytest() -> None:
    """A project that has pytest and chatr without the extra is not affected: the plugin imports nothing of either."""
    plugin = ast.parse(Path("chatr_pytest_plugin.py").read_text("utf-8"))
    names = [name for node in ast.walk(plugin) if isinstance(node, ast.Import) for name in node.names]
    modules = [node.module for node in ast.walk(plugin) if isinstance(node, ast.ImportFrom)]

    assert {"__future__", "inspect", "pytest"} == {name.name for name in names} | {*modules}


def post(server: Server, path: str, body: dict[str, str], key: str = "") -> Any:
    """Send a request to a server, and return the JSON of its response."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    with urlopen(Request(server.url + path, json.dumps(body).encode(), headers)) as response:
        return json.load(response)


@pytest.mark.long
def test_a_store_of_another_project_is_served(project: Project, serve: Serve, tmp_path: Path) -> None:
    """A room is served on the store, killed and served again, and every command reads and writes it."""
    url, export = f"jsonl:///{tmp_path}/room.jsonl", f"{tmp_path}/export.jsonl"
    server = serve("--log", url, package=project.packages)
    key = post(server, "/api/register", {"name": "Ada"})["agent"]["apiKey"]
    message = post(server, "/api/messages", {"content": "Hello"}, key)["message"]["id"]
    server.kill()
    assert "Hello" in serve("--log", url, package=project.packages).get("/api/messages")

    printed = project.chatr(
        ["admin", "remove", message, "--reason", "a test", "--log", url],
        ["log", "--log", url],
        ["explain", message, "--log", url],
        ["audit", "--log", url],
        ["export", export, "--log", url],
        ["import", export, "--log", f"jsonl:///{tmp_path}/imported.jsonl"],
        ["copy", url, f"jsonl:///{tmp_path}/copy.jsonl"],
        ["doctor", "--log", url],
        ["audit", "--log", f"jsonl:///{tmp_path}/nowhere.jsonl"],
    )
    original = (tmp_path / "room.jsonl").read_bytes()

    assert re.findall("exit code (.*)", printed) == ["0"] * 8 + ["2"], printed
    assert "message-removed" in printed
    assert "0 findings, 0 notes." in printed
    assert "nowhere.jsonl cannot be opened: " in printed
    assert original == (tmp_path / "imported.jsonl").read_bytes() == (tmp_path / "copy.jsonl").read_bytes()
