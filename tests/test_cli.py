"""chatr serve as an operator uses it: its help, its output, and one sentence for each error."""

import json
import logging
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from attrs import fields
from structlog.testing import capture_logs

from chatr import __version__
from chatr.cli.main import COMMANDS, GROUPS, main
from chatr.settings import SWITCHES, Settings, default_of, flag
from tests.conftest import OpenRoom, Server
from tests.requirements import skip_or_fail

Serve = Callable[..., Server]
Chatr = Callable[..., tuple[int, str, str]]
SERVE = [sys.executable, "-m", "chatr", "serve", "--port", "0"]


@pytest.fixture
def chatr(capsys: pytest.CaptureFixture[str]) -> Iterator[Chatr]:
    """Runs a command that ends by itself in this process; returns exit code, standard output and standard error."""
    handlers = logging.root.handlers[:]

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, *capsys.readouterr()

    yield run
    logging.root.handlers[:] = handlers
    structlog.reset_defaults()


def serve_until_exit(*flags: str) -> "subprocess.CompletedProcess[str]":
    """Run a `chatr serve` that ends by itself in a process of its own."""
    return subprocess.run([*SERVE, *flags], capture_output=True, text=True, check=False)


def test_help_lists_every_command(chatr: Chatr) -> None:
    """`chatr --help` prints each command with a line about it."""
    code, out, _ = chatr("--help")
    text = " ".join(out.split())

    assert code == 0
    assert [name for name, (_, summary) in COMMANDS.items() if f" {name} {summary}" not in text] == []


def test_every_command_has_a_heading() -> None:
    """Each command stands under one heading of `chatr --help`."""
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(chatr: Chatr, command: str) -> None:
    """`chatr COMMAND --help` prints the usage and a description."""
    code, out, _ = chatr(command, "--help")

    assert code == 0
    assert re.match(rf"usage: chatr {command} .*?\n\n[A-Z][^\n]+", out, re.DOTALL)


def test_reading_a_log_does_not_load_the_web_server() -> None:
    """`chatr log` imports nothing of the web server: that alone would take longer than printing a short log."""
    program = "import sys, chatr.cli.commands.log, chatr.cli.execution; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert {"aiohttp", "chatr.adapters.http.server"}.isdisjoint(imported.split())


def test_help_mentions_every_setting(chatr: Chatr) -> None:
    """`chatr serve --help` lists each flag with its default, the environment variables and the file."""
    code, out, _ = chatr("serve", "--help")
    text, settings = " ".join(out.split()), fields(Settings)

    assert code == 0
    shown = {each.name: each.metadata["metavar"] for each in settings}
    shown |= {name: f"[{shown[name]}]" for name in SWITCHES}
    assert [name for name, metavar in shown.items() if f"{flag(name)} {metavar} " not in text] == []
    assert [each.name for each in settings if default_of(each) and f"(default {default_of(each)})" not in text] == []
    assert [word for word in ("--config", "CHATR_", "TOML") if word not in text] == []


def test_without_arguments_the_help_is_printed(chatr: Chatr) -> None:
    """Bare `chatr` prints what `chatr --help` prints, with the same exit code."""
    assert chatr() == chatr("--help")


def test_the_version_is_printed(chatr: Chatr) -> None:
    """`chatr --version` prints the name and the version on one line."""
    assert chatr("--version") == (0, f"chatr {__version__}\n", "")


def test_unknown_variables_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One warning names each CHATR_ variable that is no setting and the most similar one, and never a value."""
    monkeypatch.setenv("CHATR_MAX_STREAM", "secret")
    monkeypatch.setenv("CHATR_\x1b]0;", "secret")
    monkeypatch.setenv("CHATR_KEY", "secret")
    with socket.create_server(("127.0.0.1", 0)) as other:
        lines = serve_until_exit("--log", "memory:", "--port", str(other.getsockname()[1])).stderr.splitlines()

    assert len(lines) == 2
    assert json.loads(lines[0])["nearest_settings"] == {
        "CHATR_MAX_STREAM": "CHATR_MAX_STREAMS",
        "CHATR_\\x1b]0;": None,
    }
    assert "secret" not in lines[0]


@pytest.mark.parametrize("arguments", [["nope"], ["serve", "--nope"], ["serve", "room"]], ids=" ".join)
def test_wrong_arguments_are_one_line(arguments: list[str], chatr: Chatr) -> None:
    """The exit code is 2, and the line points to --help."""
    code, out, error = chatr(*arguments)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]+--help[^\n]*\n", error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "http"],
        ["--rate-verified", "10"],
        ["--trusted-proxies", "nobody"],
        ["--metrics", "9464"],
        ["--access-log", "maybe"],
        ["--log-level", "loud"],
        ["--config", "/nowhere/chatr.toml"],
        ["--log", "nats://localhost"],
        ["--log", "sqlite:chatr.db"],
        ["--log", "sqlite:///"],
        ["--log", "chatr.db"],
    ],
    ids=" ".join,
)
def test_a_wrong_setting_is_one_line(
    arguments: list[str], chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 2, the line is a sentence that names the setting, and no file is created."""
    monkeypatch.chdir(tmp_path)
    code, out, error = chatr("serve", "--port", "0", *arguments)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]+\.\n", error)
    assert arguments[0] in error or arguments[1] in error
    assert list(tmp_path.iterdir()) == []


def test_an_unsupported_store_names_a_supported_one() -> None:
    """The sentence about nats:// names a URL that can be used; here in a process of its own."""
    ended = serve_until_exit("--log", "nats://localhost")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]*nats://[^\n]*sqlite:///FILE[^\n]*\.\n", ended.stderr)


def test_a_port_in_use_is_one_line(chatr: Chatr) -> None:
    """The sentence names the port and says that it is in use."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, error = chatr("serve", "--log", "memory:", "--port", str(port))

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{port}[^\n]*in use[^\n]*\.\n", error)


def test_metrics_at_an_address_in_use_are_one_line(chatr: Chatr, tmp_path: Path) -> None:
    """The sentence names the port and says that it is in use, and no log is created."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        log = f"sqlite:///{tmp_path}/chatr.db"
        code, out, error = chatr("serve", "--log", log, "--port", "0", "--metrics", f"127.0.0.1:{port}")

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*metrics[^\n]*{port}[^\n]*in use[^\n]*\.\n", error)
    assert list(tmp_path.iterdir()) == []


def test_metrics_without_their_library_are_one_line(chatr: Chatr, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install."""
    monkeypatch.delitem(sys.modules, "chatr.adapters.metrics.exposition", raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    code, out, error = chatr("serve", "--log", "memory:", "--port", "0", "--metrics", "127.0.0.1:0")

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]*pip install prometheus-client[^\n]*\.\n", error)


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 64, "a..b"])
def test_an_address_of_another_machine_is_one_line(host: str, chatr: Chatr) -> None:
    """The sentence names the address at which the server cannot listen."""
    code, out, error = chatr("serve", "--log", "memory:", "--port", "0", "--host", host)

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{re.escape(host)}[^\n]*\.\n", error)


def test_a_log_in_a_missing_folder_is_one_line(chatr: Chatr, tmp_path: Path) -> None:
    """The sentence names the file, and the folder, which may be a typing error, is not created."""
    code, out, error = chatr("serve", "--port", "0", "--log", f"sqlite:///{tmp_path}/nowhere/chatr.db")

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{re.escape(str(tmp_path))}/nowhere/chatr\.db[^\n]*\.\n", error)


def test_a_folder_as_log_is_one_line(tmp_path: Path) -> None:
    """A process of its own shows that the threads print nothing either."""
    ended = serve_until_exit("--log", f"sqlite:///{tmp_path}")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{re.escape(str(tmp_path))}[^\n]*\.\n", ended.stderr)


def test_a_second_server_on_the_same_file_ends(serve: Serve, chatr: Chatr, tmp_path: Path) -> None:
    """Two writers would damage the file: the second ends with one sentence, and the first goes on."""
    log = f"sqlite:///{tmp_path}/chatr.db"
    first = serve("--log", log)
    code, out, error = chatr("serve", "--port", "0", "--log", log)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: Another process writes to [^\n]*chatr\.db[^\n]*\.\n", error)
    assert first.process.poll() is None


@pytest.mark.long
def test_limits_that_cannot_be_stored_are_one_sentence(serve: Serve, tmp_path: Path) -> None:
    """If the log rejects the new limits, the command exits with 1, one sentence and no traceback."""
    log = f"sqlite:///{tmp_path}/chatr.db"
    first = serve("--log", log).process
    first.terminate()
    first.wait()
    with closing(sqlite3.connect(tmp_path / "chatr.db")) as db:
        db.execute("create trigger full before insert on log begin select raise(abort, 'disk full'); end")
    ended = serve_until_exit("--log", log, "--rate-verified", "5/60")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.search(r"^chatr: [^\n]+\n\Z", ended.stderr, re.MULTILINE)
    assert "Traceback" not in ended.stderr


def test_the_server_prints_what_to_do_next() -> None:
    """Standard output has two lines: the page to watch, and a command that registers an agent."""
    command = [*SERVE, "--log", "memory:"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        watch, register = process.stdout.readline(), process.stdout.readline()
        process.terminate()
        rest = process.stdout.read()
    url = re.search(r"http://localhost:[0-9]+(?=\n)", watch)

    assert url
    assert f"curl -X POST {url[0]}/api/register " in register
    assert rest == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_documents_that_say_localhost_are_warned_of(host: str, open_room: OpenRoom) -> None:
    """A room that listens for other machines without --public-url logs which address its documents give."""
    with capture_logs() as lines:
        room = await open_room(host=host)
        await open_room(host=host, public_url="https://chat.example.org")
        await open_room()
    warned = [line for line in lines if line["event"] == "no_public_url"]

    assert [line["documents_say"] for line in warned] == [room.running.url]
    assert "localhost" in room.running.url


def test_the_printed_command_registers_an_agent(server: Server) -> None:
    """The curl command that the server prints returns an API key."""
    if shutil.which("curl") is None:
        skip_or_fail("curl is not installed")
    assert server.process.stdout is not None
    _, curl, command = server.process.stdout.readline().partition("curl ")
    ended = subprocess.run(f"{curl}-sS {command}", shell=True, capture_output=True, text=True, check=True)

    assert '"apiKey":"chatr_' in ended.stdout
