"""What cannot be asked: one sentence, exit code 2, nothing printed and nothing made."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Chatr, File, Start

COMMANDS = ("log", "replay", "explain", "audit")
SENTENCE = re.compile(r"chatr[^\n]+\.\n")


def asked(command: str, *options: str) -> tuple[str, ...]:
    return (command, *(("1",) if command == "explain" else ()), *options)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "log", ["sqlite:///nowhere.db", "sqlite:///", "nowhere.db", "memory:", "nats://localhost", "http://localhost", ""]
)
def test_a_wrong_log(chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, log: str) -> None:
    """A log that is not there, or is none, is named; reading makes no file."""
    monkeypatch.chdir(tmp_path)
    run = chatr(*asked(command, "--log", log))

    assert (run.code, run.out) == (2, "")
    assert SENTENCE.fullmatch(run.err)
    assert log.removeprefix("sqlite:///") in run.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", [b"", b"Dear diary", b"SQLite format 3\x00 and no more"])
def test_a_file_that_is_no_log(chatr: Chatr, empty: File, command: str, content: bytes) -> None:
    """A file with something else in it is no log."""
    empty.path.write_bytes(content)

    run = chatr(*asked(command, "--log", empty.url))

    assert (run.code, run.out) == (2, "")
    assert SENTENCE.fullmatch(run.err)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "--at", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--diff", "1", "11"), "There is no position 11: the log ends at 10."),
        (("explain", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--at", "2025-12-31"), "Nothing had been recorded by then."),
        (("replay", "--agent", "Eve"), "Nobody had registered as Eve by position 10."),
        (("replay", "--agent", "Bob", "--at", "3"), "Nobody had registered as Bob by position 3."),
        (("explain",), "Say what to explain: a POSITION, or --agent and --post."),
        (("explain", "--agent", "Ada"), "Say what to explain: a POSITION, or --agent and --post."),
        (("explain", "5", "--post", "Hello"), "Say what to explain: a POSITION, or --agent and --post."),
    ],
    ids=str,
)
def test_what_the_log_does_not_hold(chatr: Chatr, file: File, arguments: tuple[str, ...], sentence: str) -> None:
    """A position, time or agent that is not in the log is told as such."""
    run = chatr(*arguments, "--log", file.url)

    assert (run.code, run.out, run.err) == (2, "", f"chatr: {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "--at", "noon"), "--at: 'noon' is neither a position, such as 1042, nor a time"),
        (("replay", "--at", "1", "--diff", "1", "2"), "not allowed with argument"),
        (("replay", "--messages", "1002"), "--messages: it must be a whole number from 0 to 1001"),
        (("log", "--last", "few"), "--last: it must be a whole number from 0 to"),
        (("log", "--after", "2026-13-01"), "--after: '2026-13-01' is neither"),
        (("log", "--type", "agent-danced"), "--type: there is no type 'agent-danced'; there are agent-left, "),
        (("log", "--follow", "--before", "5"), "not allowed with argument"),
        (("log", "--agent", "\udcff"), "--agent: it is not UTF-8"),
        (("explain", "0"), "POSITION: '0' is no position of a record, such as 1042"),
        (("explain", "--post", "\udcff"), "--post: it is not UTF-8"),
        (("audit", "--expect", "1042"), "--expect: '1042' is no head: write POSITION:DIGEST"),
        (("audit", "--expect", f"0:{'0' * 64}"), "is no head"),
        (("audit", "--url", "localhost"), "--url: it must be a web address such as"),
    ],
    ids=ascii,
)
def test_what_cannot_be_asked(chatr: Chatr, arguments: tuple[str, ...], sentence: str) -> None:
    """An argument that means nothing is named, and where to read what would do."""
    run = chatr(*arguments)

    assert (run.code, run.out) == (2, "")
    assert SENTENCE.fullmatch(run.err)
    assert sentence in run.err
    assert run.err.endswith(f" See chatr {arguments[0]} --help.\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_help(chatr: Chatr, command: str) -> None:
    """Help fits a terminal of eighty columns, and ends with examples."""
    run = chatr(command, "--help")

    assert run.code == 0
    assert run.out.startswith(f"usage: chatr {command} ")
    assert f"examples:\n  chatr {command} " in run.out
    assert max(map(len, run.lines[: run.lines.index("examples:")])) < 80


def test_whoever_reads_no_further_is_not_shouted_at(file: File, start: Start) -> None:
    """Behind `| head` a command ends without a word, as others do."""
    reading = start("log", "--log", file.url)
    assert reading.stdout is not None
    reading.stdout.close()
    reading.stdout = None

    _, told = reading.communicate()

    assert (reading.returncode, told) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_in_a_sentence(file: File) -> None:
    """Where what was found cannot be written, that is said, and no more."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "chatr", "log", "--log", file.url]
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (run.returncode, run.stderr) == (1, "chatr: No space left on device.\n")
