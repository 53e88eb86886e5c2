"""The Containerfile, without a container engine: what it says, and what its steps give."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server
from typing import Final
from urllib.request import urlopen

import pytest
from attrs import frozen
from packaging.requirements import Requirement

from chatr.settings import Settings
from chatr.settings_loading import load
from tests.deploy.containerfile import BUILD, IGNORED, IMAGE, argument_of, build, copy_context
from tests.requirements import skip_or_fail

PINNED: Final = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
EXTRAS: Final = ("fast", "postgres", "metrics")
"""What an operator may want of a node in a container."""
WAIT: Final = 30


def test_the_image_runs_as_nobody_else() -> None:
    """The user is a fixed number that is not root's, owns the only volume, and is known by name."""
    user, group = argument_of("USER").split(":")
    created = next(each.argument for each in IMAGE if each.name == "RUN")

    assert (user, group) == ("10001", "10001")
    assert f"--uid {user}" in created
    assert argument_of("VOLUME") in created
    assert argument_of("VOLUME") == argument_of("WORKDIR")


def test_the_image_stores_its_log_in_the_volume_and_listens_on_all_addresses() -> None:
    """The variables of the image are settings, which place the log in the volume."""
    variables = dict(re.findall(r"(\w+)=(\S+)", argument_of("ENV")))
    settings = load({}, variables, None)

    assert settings == Settings(host="0.0.0.0", log=f"sqlite:///{argument_of('VOLUME')}/chatr.db")
    assert argument_of("EXPOSE") == str(settings.port)


def test_the_context_holds_what_is_copied_and_nothing_else(tmp_path: Path) -> None:
    """The builder is given every file that a COPY names, and neither logs nor keys that lie in the checkout."""
    copy_context(tmp_path)
    copied = [name for each in BUILD if each.name == "COPY" for name in each.words[:-1]]

    assert IGNORED.read_text("utf-8").splitlines()[1] == "*"
    assert [name for name in copied if not (tmp_path / name).exists()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({Path(name).parts[0] for name in copied})
    assert list(tmp_path.rglob("*.db*")) == []


def test_the_packages_of_the_image_are_those_that_the_project_needs() -> None:
    """deploy/requirements.txt fixes a version that fits for every dependency, those of the extras included."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    pinned = dict(PINNED.findall(Path("deploy/requirements.txt").read_text("utf-8")))
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *(each for extra in EXTRAS for each in extras.get(extra, ()))]
    wrong = [each for each in map(Requirement, needed) if pinned.get(each.name, "none") not in each.specifier]

    assert [str(each) for each in wrong] == []


@pytest.fixture(scope="module")
def environment() -> Iterator[Path]:
    """What the build stage installs, in a folder that every user may read."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield build(Path(folder))


@frozen
class Container:
    """Process 1 of a namespace serves as the user of the image, on a read-only root, without capabilities."""

    process: subprocess.Popen[str]
    environment: Path
    port: int

    @property
    def first_process(self) -> int:
        """The number of process 1 of the namespace outside of it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        return int(children.split()[0])

    def health_exit_code(self) -> int:
        """Return the exit code of the health check, which runs beside the server."""
        command = json.loads(argument_of("HEALTHCHECK").partition("CMD ")[2])
        environ = {"PATH": f"{self.environment}/bin", "CHATR_PORT": str(self.port)}
        return subprocess.run(command, env=environ, capture_output=True, check=False).returncode


StartContainer = Callable[..., Container]


@pytest.fixture
def start_container(environment: Path) -> Iterator[StartContainer]:
    """Starts a command of the image in namespaces of its own. The test is skipped where that needs root."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("setpriv"):
        skip_or_fail("only root can make namespaces: run the tests as root, with util-linux")
    volume = environment.parent / "volume"
    volume.mkdir(mode=0o700)
    os.chown(volume, 10001, 10001)
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Container:
        inside = (
            f"mount --bind {volume} {volume} && mount -o remount,bind,ro / && mount -t proc proc /proc && cd {volume} "
            "&& exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all "
            f"--inh-caps=-all {environment}/bin/chatr {' '.join(arguments)}"
        )
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside],
            env={"PATH": os.environ["PATH"], "CHATR_PORT": str(port), "CHATR_LOG": f"sqlite:///{volume}/chatr.db"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return Container(process, environment, port)

    yield start
    for process in processes:
        process.kill()
        process.communicate()
    shutil.rmtree(volume)


def first_line(container: Container) -> str:
    """Return the first line that the command prints."""
    assert container.process.stdout is not None
    return container.process.stdout.readline()


def stop(container: Container) -> tuple[int, str]:
    """Send SIGTERM to process 1, and return its exit code and what it wrote to standard error."""
    os.kill(container.first_process, signal.SIGTERM)
    code = container.process.wait(WAIT)
    return code, container.process.communicate()[1]


@pytest.mark.long
def test_the_image_serves_as_process_1(start_container: StartContainer) -> None:
    """The server starts on a read-only root, is healthy, has its log in the volume, and SIGTERM stops it in order."""
    container = start_container("serve")
    opened = first_line(container)
    healthy = container.health_exit_code()
    with urlopen(f"http://127.0.0.1:{container.port}/skills.md") as reply:
        skills = reply.read()
    code, errors = stop(container)
    log = container.environment.parent / "volume/chatr.db"

    assert "The room is open" in opened, errors
    assert (healthy, container.health_exit_code()) == (0, 1)
    assert skills.startswith(b"---")
    assert (code, log.stat().st_uid) == (0, 10001)
    assert "stop_cut_short" not in errors


@pytest.mark.long
def test_every_command_stops_as_process_1(start_container: StartContainer) -> None:
    """SIGTERM ends a command like Ctrl-C, although the kernel does not end process 1 by a signal without a handler."""
    server = start_container("serve")
    first_line(server)
    stop(server)
    following = start_container("log", "--follow")

    assert "limits-adopted" in first_line(following)
    assert stop(following) == (130, "")


@pytest.mark.long
def test_the_image_brings_every_store(environment: Path) -> None:
    """PostgreSQL, uvloop and the commands work in what is installed, and there is no pip that could add to it."""
    imported = [f"{environment}/bin/python", "-c", "import chatr.adapters.stores.postgres.log, uvloop"]

    assert subprocess.run(imported, cwd="/", check=False).returncode == 0
    assert not (environment / "bin/pip").exists()
