"""chatr serve, as an operator meets it: what it says of itself, and one sentence for each mistake."""

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

from chatr.cli import main
from chatr.settings import Settings, default_of, flag
from tests.able import unable
from tests.conftest import Server

Serve = Callable[..., Server]
Chatr = Callable[..., tuple[int, str, str]]
SERVE = [sys.executable, "-m", "chatr", "serve", "--port", "0"]


@pytest.fixture
def chatr(capsys: pytest.CaptureFixture[str]) -> Iterator[Chatr]:
    """Exit code, output and error output of a command that ends by itself, run in this process."""
    handlers = logging.root.handlers[:]

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, *capsys.readouterr()

    yield run
    logging.root.handlers[:] = handlers
    structlog.reset_defaults()


def ended(*flags: str) -> "subprocess.CompletedProcess[str]":
    """`chatr serve` in a process of its own, where it ends by itself."""
    return subprocess.run([*SERVE, *flags], capture_output=True, text=True, timeout=30, check=False)


def test_help_mentions_every_setting(chatr: Chatr) -> None:
    """Each flag stands there with its default, and that there are variables and a file."""
    code, out, _ = chatr("serve", "--help")
    told, settings = " ".join(out.split()), fields(Settings)

    assert code == 0
    assert [each.name for each in settings if f"{flag(each.name)} {each.metadata['form']} " not in told] == []
    assert [each.name for each in settings if default_of(each) and f"(default {default_of(each)})" not in told] == []
    assert [word for word in ("--config", "CHATR_", "TOML") if word not in told] == []


@pytest.mark.parametrize("arguments", [[], ["nope"], ["serve", "--nope"], ["serve", "room"]], ids=" ".join)
def test_what_is_no_command_ends_with_one_line(arguments: list[str], chatr: Chatr) -> None:
    """Exit code 2, and where to read what would have done."""
    code, out, told = chatr(*arguments)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]+--help[^\n]*\n", told)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "http"],
        ["--rate-verified", "10"],
        ["--trusted-proxies", "nobody"],
        ["--config", "/nowhere/chatr.toml"],
        ["--log", "nats://localhost"],
        ["--log", "sqlite:chatr.db"],
        ["--log", "sqlite:///"],
        ["--log", "chatr.db"],
    ],
    ids=" ".join,
)
def test_a_bad_setting_ends_with_one_line(
    arguments: list[str], chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, one sentence that names the setting, nothing else, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    code, out, told = chatr("serve", "--port", "0", *arguments)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]+\.\n", told)
    assert arguments[0] in told or arguments[1] in told
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_to_come_is_refused() -> None:
    """The sentence tells what is not there yet, and what to use instead; this time in a process of its own."""
    done = subprocess.run(
        [*SERVE, "--log", "nats://localhost"], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"chatr: [^\n]*nats://[^\n]*sqlite:///FILE[^\n]*\.\n", done.stderr)


def test_a_port_in_use_ends_with_one_line(chatr: Chatr) -> None:
    """The sentence says which port, and that it is in use."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, told = chatr("serve", "--log", "memory:", "--port", str(port))

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{port}[^\n]*in use[^\n]*\.\n", told)


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 64, "a..b"])
def test_an_address_that_is_not_ours_ends_with_one_line(host: str, chatr: Chatr) -> None:
    """The sentence names the address."""
    code, out, told = chatr("serve", "--log", "memory:", "--port", "0", "--host", host)

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{re.escape(host)}[^\n]*\.\n", told)


def test_a_log_in_no_folder_ends_with_one_line(chatr: Chatr, tmp_path: Path) -> None:
    """The sentence names the file; no folder is made that somebody mistyped."""
    code, out, told = chatr("serve", "--port", "0", "--log", f"sqlite:///{tmp_path}/nowhere/chatr.db")

    assert (code, out) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{re.escape(str(tmp_path))}/nowhere/chatr\.db[^\n]*\.\n", told)


def test_a_log_that_is_a_folder_ends_with_one_line(tmp_path: Path) -> None:
    """A process of its own shows what its threads leave behind, too."""
    done = ended("--log", f"sqlite:///{tmp_path}")

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"chatr: [^\n]*{re.escape(str(tmp_path))}[^\n]*\.\n", done.stderr)


def test_a_second_process_on_the_same_log_is_refused(serve: Serve, chatr: Chatr, tmp_path: Path) -> None:
    """Two writers would ruin the file: the second one is told so, and the first goes on."""
    log = f"sqlite:///{tmp_path}/chatr.db"
    first = serve("--log", log)
    code, out, told = chatr("serve", "--port", "0", "--log", log)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"chatr: Another process writes to [^\n]*chatr\.db[^\n]*\.\n", told)
    assert first.process.poll() is None


def test_limits_that_cannot_be_stored_end_with_one_sentence(serve: Serve, tmp_path: Path) -> None:
    """A log that takes no record is told as such, and not as a fault of the program."""
    log = f"sqlite:///{tmp_path}/chatr.db"
    first = serve("--log", log).process
    first.terminate()
    first.wait()
    with closing(sqlite3.connect(tmp_path / "chatr.db")) as db:
        db.execute("create trigger full before insert on log begin select raise(abort, 'disk full'); end")
    done = ended("--log", log, "--rate-verified", "5/60")

    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"^chatr: [^\n]+\n\Z", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr


def test_the_start_says_what_to_do_next() -> None:
    """Two lines: where to look, and a command that registers an agent."""
    command = [*SERVE, "--log", "memory:"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        look, register = process.stdout.readline(), process.stdout.readline()
        process.terminate()
        more = process.stdout.read()
    url = re.search(r"http://localhost:[0-9]+(?=\n)", look)

    assert url
    assert f"curl -X POST {url[0]}/api/register " in register
    assert more == ""


def test_the_command_it_prints_works(server: Server) -> None:
    """Whoever pastes the line has an agent."""
    if shutil.which("curl") is None:
        unable("curl is not installed")
    assert server.process.stdout is not None
    _, curl, command = server.process.stdout.readline().partition("curl ")
    done = subprocess.run(f"{curl}-sS {command}", shell=True, capture_output=True, text=True, timeout=10, check=True)

    assert '"apiKey":"chatr_' in done.stdout
