"""A room that is hosted as docs/operating.md says, with all files and addresses of the page in a folder of the test."""

import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from attrs import Factory, define

from tests.deploy.operating_page import STEPS, comparable

SECONDS: Final = 60
SERVES: Final = "The room is open"
NOT_RUN: Final[Mapping[str, str]] = {
    "sudo apt-get install": "installs packages of Debian",
    "sudo python3 -m venv": "writes to /opt; tests/deploy/test_installing.py installs",
    "sudo /opt/chatr/bin/pip install": "downloads packages; tests/deploy/test_installing.py installs",
    "sudo systemctl restart caddy": "needs systemd as process 1; the test starts Caddy with the file that was written",
    "sudo systemctl daemon-reload": "needs systemd as process 1",
    "journalctl": "needs systemd as process 1",
    "docker compose logs": "needs a container engine",
    "git pull": "needs a remote repository",
    "alias": "is read: the test runs commands as it says",
    "echo CHATR_DOMAIN": "is read by a container engine; the test fills compose.yaml in with the domain",
}
"""The beginning of each command that is not run, and the reason."""
STOPPING: Final = ("sudo systemctl stop chatr", "docker compose stop")
STARTING: Final = ("sudo systemctl enable --now chatr", "sudo systemctl start chatr")
RESTARTING: Final = (
    "sudo systemctl restart chatr",
    "docker compose up --detach",
    "docker compose up --detach --build",
)
"""The test starts and stops processes for these commands, as there is neither systemd nor a container engine."""
CONTROLLING: Final = (*STOPPING, *STARTING, *RESTARTING)
INSTALLED: Final = {"deploy/chatr.sh": "bin/chatr", "deploy/chatr.service": "systemd/chatr.service"}
"""Files of the repository that the page installs, and where the test then puts its own places into them."""
FINDS_NOTHING: Final = 1
"""Exit code of grep if no file contains the text."""

Variables = Mapping[str, str]


@define
class HostedRoom:
    """A room, the files around it, and the shell of its operator.

    `places` are the files and addresses of the page, each with that of the test. `serve_command` and `serve_variables`
    return the command line and the environment of the server, as the unit or the image has them; `own` is what each
    node is given by the test beside these. `elsewhere` are the beginnings of commands for rooms of another kind.
    """

    folder: Path
    places: dict[str, str]
    environ: dict[str, str]
    serve_command: Callable[["HostedRoom"], list[str]]
    serve_variables: Callable[["HostedRoom"], Variables]
    elsewhere: tuple[str, ...]
    own: list[Variables]
    processes: list["subprocess.Popen[str]"] = Factory(list)

    @property
    def url(self) -> str:
        """The public address of the room."""
        return self.places["https://chat.example.org"]

    @property
    def state(self) -> Path:
        """The folder of the log."""
        return Path(self.places["/var/lib/chatr"])

    def fill(self, text: str, words: Variables | None = None) -> str:
        """Return a text of the page with the places of the test, and with other words of the page replaced."""
        found = {**self.places, **(words or {})}
        pattern = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
        return re.sub(pattern, lambda each: found[each[0]], text)

    def follow(self, section: str, words: Variables | None = None) -> list[str]:
        """Run the commands of a section and return their outputs, which are those that the page shows.

        Raises CalledProcessError if one fails.
        """
        outputs = []
        for step in STEPS:
            if step.section == section and not step.command.startswith((*NOT_RUN, *self.elsewhere)):
                outputs.append(self.run(step.command, words))
                if step.output is not None:
                    shown = comparable(self.fill(step.output, words))
                    assert comparable(outputs[-1]) == shown, f"{step.command} printed {outputs[-1]}"
        return outputs

    def run(self, command: str, words: Variables | None = None) -> str:
        """Run a command of the page and return what it prints. Raises CalledProcessError if it fails."""
        if command in CONTROLLING:
            return self.control(command)
        done = subprocess.run(
            ["sh", "-c", self.fill(command, words)],
            env=self.environ,
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
            # Without a terminal, a password is read from the input, twice.
            start_new_session=True,
            input="secret\nsecret\n",
        )
        if done.returncode and not ("grep" in command and done.returncode == FINDS_NOTHING):
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        for source, target in INSTALLED.items():
            if command.startswith("sudo install") and source in command:
                file = self.folder / target
                file.write_text(self.fill(file.read_text("utf-8")))
        return done.stdout

    def control(self, command: str) -> str:
        """Start or stop the processes of the room, as systemd or a container engine would. Returns no output."""
        if command not in STARTING:
            self.stop()
        if command not in STOPPING:
            self.start()
        return ""

    def start(self) -> None:
        """Start the nodes, and return when they serve."""
        for own in self.own:
            with (self.folder / "log-lines").open("a") as errors:
                process = subprocess.Popen(
                    self.serve_command(self),
                    env={**self.environ, **self.serve_variables(self), **own},
                    cwd=self.state,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                )
            self.processes.append(process)
            assert process.stdout is not None
            assert SERVES in process.stdout.readline(), (self.folder / "log-lines").read_text("utf-8")

    def stop(self) -> None:
        """Stop the nodes with SIGTERM."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.communicate(timeout=SECONDS)
            assert process.returncode == 0
        self.processes.clear()

    def kill(self) -> None:
        """End the nodes that still run, by SIGKILL."""
        for process in self.processes:
            process.kill()
            process.communicate()
        self.processes.clear()


def variables_in(text: str) -> dict[str, str]:
    """Return the variables of a file, as systemd, Docker Compose and a shell read them."""
    return dict(each.split("=", 1) for each in shlex.split(text, comments=True))
