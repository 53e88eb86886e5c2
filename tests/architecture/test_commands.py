"""The commands that the documents ask people to paste work as they are written.

Three pages are not read here: tests/cli/test_the_log_page.py runs the commands of docs/the-log.md,
tests/cli/room/test_the_terminal_page.py those of docs/terminal.md, and tests/deploy/test_walk.py those of
docs/operating.md.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir
from datetime import UTC, datetime
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import Final

import pytest
from attrs import define

from chatr.cli.main import main
from tests.requirements import skip_or_fail

DOCUMENTS: Final = (
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    *(
        page
        for page in sorted(Path("docs").glob("*.md"))
        if page.name not in ("the-log.md", "operating.md", "terminal.md")
    ),
)
RUN: Final[Mapping[str, str]] = {
    ".venv/bin/chatr serve": "http://",
    "curl -X POST http://localhost:8080/api/register": '"apiKey":"chatr_',
    "curl -X POST http://localhost:8080/api/messages": '"content":"Hello from Ada"',
    "curl -N http://localhost:8080/api/stream": '"content":"Hello from Ada"',
    ".venv/bin/chatr log": "message-posted",
    ".venv/bin/chatr replay": "Ada",
    ".venv/bin/chatr explain": "message_rate_limited",
    ".venv/bin/chatr audit": "0 findings",
    ".venv/bin/chatr export": "",
}
"""The beginning of each command that this test runs, and a text that its output must contain."""
NOT_RUN: Final[Mapping[str, str]] = {
    "python3 -m venv": "creates the environment in which the tests run",
    ".venv/bin/pip install": "downloads packages",
    ".venv/bin/chatr view": "does not end; is run by tests/cli/test_view.py",
    ".venv/bin/pytest": "runs the tests, this one among them",
    ".venv/bin/ruff": "is run by .ci/run",
    ".venv/bin/mypy": "is run by .ci/run",
    ".venv/bin/lint-imports": "is run by tests/architecture/test_architecture.py",
    "curl -X POST https://chat.example.org": "asks a room that does not exist",
    "claude mcp add": "needs Claude Code",
    "codex mcp add": "needs Codex",
    "bash .ci/run": "runs the tests, this one among them",
    ".venv/bin/python -m benchmarks.fanout": "takes minutes; its --help is run below",
}
"""The beginning of each command that this test does not run, and the reason."""
SHELL_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCK: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INDENTED: Final = re.compile(
    r"^ {4}((?:[A-Z_]+=\S+ )?(?:\.venv/bin/)?(?:apt-get|bash|chatr|curl|pip|pytest|python3?) .*)$", re.MULTILINE
)
ENVIRONMENT: Final = {
    **{name: value for name, value in environ.items() if name != "PYTEST_VERSION"},
    "PYTHONPATH": str(Path.cwd()),
}
"""As a person's: tests/frozen_classes.py would take the programs for tests."""
MODULE: Final = re.compile(r"python3? -m ((?:tests|benchmarks)[\w.]*)")


def commands(document: Path) -> Iterator[str]:
    """Each command in the document's shell blocks and indented lines, without comments and line breaks."""
    text = document.read_text("utf-8")
    pasted = [*SHELL_BLOCK.findall(text), *INDENTED.findall(BLOCK.sub("", text))]
    for line in re.sub(r" *\\\n *", " ", "\n".join(pasted)).splitlines():
        yield from (command.strip() for command in re.sub(r"\s+# .*", "", line).split(" && ") if command.strip())


COMMANDS: Final = [command for document in DOCUMENTS for command in commands(document)]


def expected_output(command: str) -> str | None:
    """The text that the output must contain, from the longest beginning that fits; None if the command is not run."""
    return RUN[max(fitting, key=len)] if (fitting := [each for each in RUN if command.startswith(each)]) else None


@define
class Terminal:
    """Runs commands in a folder. What one command prints, later ones use: the server's address and the agent's key."""

    folder: Path
    stack: ExitStack
    capsys: pytest.CaptureFixture[str]
    url: str = "http://localhost:8080"
    key: str = "YOUR_API_KEY"

    def run(self, command: str, expected: str) -> str:
        """Run a command and return its output: all of it, or up to the expected text if the command does not end.

        Raises CalledProcessError if a command ends with another exit code than 0.
        """
        arguments = self._arguments(command)
        if arguments[0] == "chatr" and "--port" not in arguments:
            return self._run_here(command, arguments[1:])
        process = self._start([sys.executable, "-m", *arguments] if arguments[0] == "chatr" else arguments)
        if "serve" in command or " -N " in command:
            return self._read_until(process, expected)
        output, errors = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, output, errors)
        return output

    def _run_here(self, command: str, arguments: list[str]) -> str:
        """Run a command of chatr that ends, in this process: another interpreter takes longer than the command."""
        self.capsys.readouterr()
        with chdir(self.folder), pytest.raises(SystemExit) as end:
            main(arguments)
        output, errors = self.capsys.readouterr()
        if end.value.code:
            raise subprocess.CalledProcessError(int(end.value.code), command, output, errors)
        return output

    def follow(self, output: str) -> None:
        """Take over the server's address and the agent's key from what a command has printed."""
        if self.url.endswith(":8080") and (url := re.search(r"http://\S+", output)):
            self.url = url[0].rstrip("/")
        if output.startswith("{") and "apiKey" in output:
            self.key = json.loads(output)["agent"]["apiKey"]

    def _arguments(self, command: str) -> list[str]:
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
        filled = command.replace("http://localhost:8080", self.url).replace("YOUR_API_KEY", self.key)
        program, *arguments = shlex.split(filled.replace("2026-11-23T12:00", now).removeprefix(".venv/bin/"))
        if program == "curl":
            return [program, "--silent", "--fail", "--max-time", "20", *arguments]
        # Port 8080 may be taken, and the tests must be able to run side by side.
        return [program, *arguments, *(["--port", "0"] if "serve" in arguments else [])]

    def _start(self, arguments: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments,
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        return process

    def _read_until(self, process: subprocess.Popen[str], expected: str) -> str:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if expected in line:
                break
        return output


def test_every_command_is_run_or_has_a_reason() -> None:
    """Each command is run by the test below, or listed with the reason why it is not."""
    unknown = [each for each in COMMANDS if expected_output(each) is None and not each.startswith(tuple(NOT_RUN))]
    unused = [each for each in (*RUN, *NOT_RUN) if not any(command.startswith(each) for command in COMMANDS)]

    assert (unknown, unused) == ([], [])


def test_the_commands_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run one after the other, the commands end with exit code 0 and print what is expected."""
    if shutil.which("curl") is None:
        skip_or_fail("there is no curl here: apt-get install curl")
    with ExitStack() as stack:
        terminal = Terminal(tmp_path, stack, capsys)
        for command in COMMANDS:
            if (expected := expected_output(command)) is not None:
                output = terminal.run(command, expected)
                assert expected in output, command
                terminal.follow(output)

    assert (tmp_path / "room.jsonl.gz").exists()


@pytest.mark.long
def test_modules_that_are_named_print_their_usage() -> None:
    """Every `python -m MODULE` of the documents names a module that can be run and describes itself with --help."""
    pages = (*DOCUMENTS, *Path("docs/decisions").glob("*.md"))
    modules = sorted({module for page in pages for module in MODULE.findall(page.read_text("utf-8"))})
    if find_spec("psutil") is None:  # the benchmarks need the extra chatr[bench], which README's test command lacks
        modules = [module for module in modules if module.startswith("tests.")]
    # They are started together, because each of them spends a second on its imports.
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", module, "--help"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
                )
            )
            for module in modules
        ]
        outputs = [process.communicate()[0] for process in processes]

    assert "tests.simulation" in modules
    assert [module for module, output in zip(modules, outputs, strict=True) if "usage:" not in output] == []
    assert [process.returncode for process in processes] == [0] * len(modules)
