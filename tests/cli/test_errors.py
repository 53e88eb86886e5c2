"""Errors of the commands: one sentence and exit code 2, nothing printed and no file created."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import BOB, Chatr, LogFile, StartChatr

READING_COMMANDS = ("log", "replay", "explain", "audit")
ERROR_LINE = re.compile(r"chatr[^\n]+\.\n")
NO_COMMAND = "Give a POSITION, or --agent and --post (or --verify, --leave, …), or --register."
FIELDS = f'{{"agent": "{BOB}", "content": "Hi!", "idempotency_key": null'
"""The data of record 6, without its closing brace."""


def call(command: str, *options: str) -> tuple[str, ...]:
    """Return the arguments of a reading command, with the position that explain requires."""
    return (command, *(("1",) if command == "explain" else ()), *options)


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize(
    "log", ["sqlite:///nowhere.db", "sqlite:///", "nowhere.db", "memory:", "nats://localhost", "http://localhost", ""]
)
def test_a_log_that_cannot_be_opened(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, log: str
) -> None:
    """The error names the log, and no file is created."""
    monkeypatch.chdir(tmp_path)
    result = chatr(*call(command, "--log", log))

    assert (result.code, result.out) == (2, "")
    assert ERROR_LINE.fullmatch(result.err)
    assert log.removeprefix("sqlite:///") in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize("content", [b"", b"Dear diary", b"SQLite format 3\x00 and no more"])
def test_a_file_that_holds_no_log(chatr: Chatr, new_log: LogFile, command: str, content: bytes) -> None:
    """A file with other content is an error."""
    new_log.path.write_bytes(content)

    result = chatr(*call(command, "--log", new_log.url))

    assert (result.code, result.out) == (2, "")
    assert ERROR_LINE.fullmatch(result.err)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "--at", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--diff", "1", "11"), "There is no position 11: the log ends at 10."),
        (("explain", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--at", "2025-12-31"), "Nothing had been recorded by then."),
        (("replay", "--agent", "Eve"), "No agent was registered as Eve by position 10."),
        (("replay", "--agent", "Bob", "--at", "3"), "No agent was registered as Bob by position 3."),
        (("explain",), NO_COMMAND),
        (("explain", "--agent", "Ada"), NO_COMMAND),
        (("explain", "5", "--post", "Hello"), "Give a POSITION alone, or a command such as --agent and --post."),
    ],
    ids=str,
)
def test_a_moment_or_agent_that_the_log_does_not_hold(
    chatr: Chatr, log_file: LogFile, arguments: tuple[str, ...], sentence: str
) -> None:
    """The error says which position, time or agent is missing."""
    result = chatr(*arguments, "--log", log_file.url)

    assert (result.code, result.out, result.err) == (2, "", f"chatr: {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "--at", "noon"), "--at: 'noon' is neither a position, such as 1042, nor a time"),
        (("replay", "--at", "1", "--diff", "1", "2"), "not allowed with argument"),
        (("replay", "--messages", "1002"), "--messages: it must be a whole number from 0 to 1001"),
        (("log", "--last", "few"), "--last: it must be a whole number from 0 to"),
        (("log", "--after", "2026-13-01"), "--after: '2026-13-01' is neither"),
        (
            ("log", "--type", "agent-danced"),
            "--type: there is no type 'agent-danced'; choose from agent-approved, ",
        ),
        (("log", "--follow", "--before", "5"), "not allowed with argument"),
        (("log", "--agent", "\udcff"), "--agent: it is not UTF-8"),
        (("explain", "0"), "POSITION: '0' is not the position of a record, such as 1042"),
        (("explain", "--post", "\udcff"), "--post: it is not UTF-8"),
        (("audit", "--expect", "1042"), "--expect: '1042' is not a head: write POSITION:DIGEST"),
        (("audit", "--expect", f"0:{'0' * 64}"), "is not a head"),
        (("audit", "--url", "localhost"), "--url: it must be a web address such as"),
    ],
    ids=ascii,
)
def test_an_argument_that_cannot_be_parsed(chatr: Chatr, arguments: tuple[str, ...], sentence: str) -> None:
    """The error names the argument and points to the command's --help."""
    result = chatr(*arguments)

    assert (result.code, result.out) == (2, "")
    assert ERROR_LINE.fullmatch(result.err)
    assert sentence in result.err
    assert result.err.endswith(f" See chatr {arguments[0]} --help.\n")


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_help_fits_a_terminal(chatr: Chatr, command: str) -> None:
    """The help of a command fits eighty columns and ends with examples."""
    result = chatr(command, "--help")

    assert result.code == 0
    assert result.out.startswith(f"usage: chatr {command} ")
    assert f"examples:\n  chatr {command} " in result.out
    assert max(map(len, result.lines[: result.lines.index("examples:")])) < 80


def test_a_closed_pipe_is_not_an_error_message(log_file: LogFile, start_chatr: StartChatr) -> None:
    """If the reader of a pipe has ended, as in `chatr log | head`, the command exits with 141 and prints nothing."""
    reading = start_chatr("log", "--log", log_file.url)
    assert reading.stdout is not None
    reading.stdout.close()
    reading.stdout = None

    _, errors = reading.communicate()

    assert (reading.returncode, errors) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.long
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_error(log_file: LogFile, closed: str) -> None:
    """Some supervisors start programs without them. Then no file and no socket may get their descriptors."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "chatr", "log", "--log", log_file.url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert bool(ended.stdout) == (">&-" not in closed.replace("2>&-", ""))


def test_a_full_disk_is_one_sentence(log_file: LogFile) -> None:
    """If the output cannot be written, the command exits with 1 and one sentence."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "chatr", "log", "--log", log_file.url]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (result.returncode, result.stderr) == (1, "chatr: No space left on device.\n")


DAMAGES = {
    "nested": "[" * 100_000,
    "nested in a field that no event has": f'{FIELDS}, "more": {"[" * 100_000}{"]" * 100_000}}}',
    "half a surrogate pair": FIELDS.replace("Hi!", "\\ud800") + "}",
    "no UTF-8": b"\xff",
}


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize("data", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_was_damaged_by_hand(chatr: Chatr, log_file: LogFile, command: str, data: str | bytes) -> None:
    """Every command that reads the log says in one sentence which record is damaged."""
    log_file.alter("update log set data = cast(? as text) where position = 6", data)
    result = chatr(*((command, "6") if command == "explain" else (command,)), "--log", log_file.url)

    assert result.code == 1
    assert re.search(r"Record 6 \(message-posted.v1\) is damaged: \w+Error\(", result.err or result.out)
    assert result.err.count("\n") == (command != "audit")


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999999"])
def test_a_number_that_cannot_be_printed(chatr: Chatr, log_file: LogFile, number: str) -> None:
    """A number that JSON allows and no computer holds is reported as damage where all fields are printed."""
    log_file.alter("update log set data = ? where position = 6", f'{FIELDS}, "more": {number}}}')
    result = chatr("log", "--json", "--log", log_file.url)

    assert (result.code, len(result.lines)) == (1, 5)
    assert re.fullmatch(r"chatr: Record 6 \(message-posted.v1\) is damaged: [^\n]+\.\n", result.err)


def test_a_record_that_is_no_utf_8_is_not_exported(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """The error names the record, and no file is left."""
    log_file.alter("update log set data = cast(? as text) where position = 6", b"\xff")
    result = chatr("export", tmp_path / "room.jsonl", "--log", log_file.url)

    assert (result.code, result.err.count("Record 6 does not match its record hash")) == (2, 1)
    assert not (tmp_path / "room.jsonl").exists()


@pytest.mark.parametrize("command", ["log", "replay", "export", "backup"])
def test_a_damaged_page(chatr: Chatr, log_file: LogFile, tmp_path: Path, command: str) -> None:
    """Commands that read a damaged page end with exit code 2, a sentence that says what to do, and no file."""
    # Spaces after JSON change nothing, and make each record nearly as large as a page.
    log_file.alter("update log set data = data || printf('%3000s', '') where position > 1")
    with log_file.path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(bytes(3 * 4096))
    new_file = (str(tmp_path / "new"),) if command in ("export", "backup") else ()
    result = chatr(command, *new_file, "--log", log_file.url)

    assert (result.code, (tmp_path / "new").exists()) == (2, False)
    assert re.fullmatch(rf"chatr: The log at {log_file.path} is damaged: .*put a backup in its place\.\n", result.err)
