"""chatr doctor prints a line for each check, and exits with 1 if one of them found a problem."""

import os
from pathlib import Path
from typing import Any

import pytest

from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.head import HeadFile
from chatr.cli.doctor.environment import check_config_file, check_variables
from tests.cli.conftest import COMMANDS, Chatr, LogFile, Result
from tests.cli.steps import exported, stored_records

HEALTHY = [
    "variables",
    "settings",
    "packages",
    "file rights",
    "file system",
    "log",
    "SQLite",
    "last record",
    "disk space",
    "records",
]


def found(result: Result, name: str) -> dict[str, Any]:
    """Return the only result of the check of this name, from the output as JSON."""
    (check,) = (each for each in result.json if each["check"] == name)
    return dict(check)


def test_a_healthy_log_has_no_problem(chatr: Chatr, log_file: LogFile) -> None:
    """Each check has a line; without a running server that check is skipped, and the exit code is 0."""
    result = chatr("doctor", "--json", "--log", log_file.url)

    assert (result.code, result.err) == (0, "")
    assert [each["check"] for each in result.json] == [*HEALTHY, "server"]
    assert found(result, "log")["found"] == f"It opens, and holds {len(COMMANDS)} records."
    assert found(result, "server")["status"] == "skipped"


def test_a_check_is_one_line(chatr: Chatr, log_file: LogFile) -> None:
    """Without --json a line has the status, the name, what was found and what to do."""
    log_file.path.chmod(0o644)
    result = chatr("doctor", "--log", log_file.url)
    line = (
        f"problem  file rights: Other users of this machine may use {log_file.path.name}. Run chmod 600 {log_file.path}"
    )

    assert result.code == 1
    assert line in result.lines
    assert "ok       records: Every record is as it was stored." in result.lines


@pytest.mark.parametrize("arguments", [("--url", "nonsense"), ("--log",), ("all",)], ids=" ".join)
def test_wrong_arguments_end_with_2(chatr: Chatr, arguments: tuple[str, ...]) -> None:
    """Exit code 1 means that something is wrong with the room, 2 that the command was."""
    assert chatr("doctor", *arguments).code == 2


def test_bad_settings_are_a_problem(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """A configuration that the server would refuse is named, and the log is checked nevertheless."""
    config = tmp_path / "chatr.toml"
    config.write_text('port = "http"')
    result = chatr("doctor", "--json", "--config", config, "--log", log_file.url)

    assert result.code == 0  # the variable for the port takes precedence
    config.write_text('history = "all"')
    result = chatr("doctor", "--json", "--config", config, "--log", log_file.url)
    assert result.code == 1
    assert "history in the file cannot be 'all'" in result.json[0]["found"]
    assert found(result, "records")["status"] == "ok"


def test_unknown_variables_are_named(chatr: Chatr, log_file: LogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that looks like a setting and is none is named with the most similar one, and never its value."""
    monkeypatch.setenv("CHATR_MAX_STREAM", "secret")
    monkeypatch.setenv("CHATR_\x1b]0;", "secret")
    monkeypatch.setenv("CHATR_KEY", "secret")  # the examples for agents read it
    result = chatr("doctor", "--json", "--log", log_file.url)
    checks = [each for each in result.json if each["check"] == "variables"]

    assert result.code == 0
    assert [(each["status"], each["found"], each["remedy"]) for each in checks] == [
        ("warning", "CHATR_\\x1b]0; is no setting and has no effect.", "Correct or remove it."),
        (
            "warning",
            "CHATR_MAX_STREAM is no setting and has no effect.",
            "If you mean CHATR_MAX_STREAMS, correct it; else remove it.",
        ),
    ]
    assert "secret" not in result.out


@pytest.mark.parametrize(("mode", "is_private"), [(0o644, False), (0o640, True), (0o600, True)])
@pytest.mark.parametrize(
    ("toml", "has_secret"),
    [("moltbook_key = 'abc'", True), ("log = 'postgresql://u:pw@h/d'", True), ("log = 'memory:'", False)],
)
def test_a_file_with_a_secret_must_be_private(
    tmp_path: Path, mode: int, is_private: bool, toml: str, has_secret: bool
) -> None:
    """A file that everybody may read is warned of if there is a key or a password in it."""
    config = tmp_path / "chatr.toml"
    config.write_text(toml)
    config.chmod(mode)

    assert [check.status for check in check_config_file(config)] == ["warning"] * (has_secret and not is_private)


def test_a_port_of_the_platform_is_named() -> None:
    """Heroku and others expect a server at the port in PORT."""
    checks = list(check_variables({"PORT": "5000"}, 8080))

    assert [(each.status, each.found) for each in checks] == [
        ("warning", "PORT is 5000, and the room listens on 8080.")
    ]


def test_altered_records_are_named(chatr: Chatr, log_file: LogFile) -> None:
    """The positions of altered and missing records are named, with what an operator can do."""
    log_file.alter("update log set data = replace(data, 'Hi!', 'Ha!') where position = 6")
    log_file.alter("delete from log where position in (3, 4)")
    result = chatr("doctor", "--json", "--log", log_file.url)
    check = found(result, "records")

    assert (result.code, check["status"]) == (1, "problem")
    assert check["found"] == "3 records altered or missing: 3-4, 6."
    assert "start one on a backup" in check["remedy"]
    assert "chatr audit" in check["remedy"]


def test_a_damaged_file_is_a_problem(chatr: Chatr, log_file: LogFile) -> None:
    """Pages that were overwritten are found by SQLite's own check, or when the records are read."""
    content = bytearray(log_file.path.read_bytes())
    content[4096 : 4096 + 600] = bytes(600)
    log_file.path.write_bytes(content)
    for suffix in ("-wal", "-shm"):
        beside(log_file.path, suffix).unlink(missing_ok=True)
    result = chatr("doctor", "--json", "--log", log_file.url)

    assert result.code == 1
    assert any("backup" in each["remedy"] + each["found"] for each in result.json if each["status"] == "problem")


def test_lost_records_are_a_problem(chatr: Chatr, log_file: LogFile) -> None:
    """A log that ends before the record that the file beside it names has lost some."""
    last = stored_records(log_file.path)[-1]
    HeadFile(beside(log_file.path, ".head")).write(last, flush=False)
    log_file.alter("delete from log where position = ?", last.position)
    result = chatr("doctor", "--json", "--log", log_file.url)

    assert found(result, "last record")["status"] == "problem"
    assert "--accept-loss" in found(result, "last record")["remedy"]


def test_a_log_of_a_newer_version_is_a_problem(chatr: Chatr, log_file: LogFile) -> None:
    """A schema that this version does not know is named."""
    log_file.alter("pragma user_version = 99")
    result = chatr("doctor", "--json", "--log", log_file.url)

    assert (result.code, found(result, "log")["status"]) == (1, "problem")
    assert "schema 99" in found(result, "log")["found"]


def test_a_missing_log_is_a_problem(chatr: Chatr, tmp_path: Path) -> None:
    """A path at which there is no log is named."""
    result = chatr("doctor", "--json", "--log", f"sqlite:///{tmp_path}/nowhere.db")

    assert (result.code, found(result, "log")["status"]) == (1, "problem")
    assert "nowhere.db" in found(result, "log")["found"]


@pytest.mark.parametrize(
    "log", ["sqlite:////dev/zero", "sqlite:///.", "nats://x", "nonsense", "bad.jsonl", "bad.jsonl.gz"]
)
def test_what_is_no_log_is_a_problem(chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str) -> None:
    """Devices, folders and files of other programs are named, and it is not advised to change their modes."""
    monkeypatch.chdir(tmp_path)
    for name in ("bad.jsonl", "bad.jsonl.gz"):
        Path(name).write_text("Dear diary")
    result = chatr("doctor", "--json", "--log", log)

    assert (result.code, found(result, "log")["status"]) == (1, "problem")
    assert "chmod" not in result.out


def test_a_server_that_does_not_answer_is_not_asked_for_more(chatr: Chatr, log_file: LogFile) -> None:
    """Without a server at --url there is one problem, and the proxy is not checked."""
    result = chatr("doctor", "--json", "--log", log_file.url, "--url", "http://127.0.0.1:1")

    assert [each["check"] for each in result.json if each["status"] == "problem"] == ["server"]


def test_an_exported_file_can_be_checked(chatr: Chatr, log_file: LogFile) -> None:
    """A file that chatr export wrote has records, and neither pages nor a disk."""
    result = chatr("doctor", "--json", "--log", exported(chatr, log_file))

    assert result.code == 0
    assert found(result, "records")["status"] == "ok"


def test_files_of_different_owners_are_a_problem(chatr: Chatr, log_file: LogFile) -> None:
    """A file that a command of root left beside the log cannot be written by the server."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    beside(log_file.path, ".head").touch(mode=0o600)
    os.chown(beside(log_file.path, ".head"), 10001, 10001)
    result = chatr("doctor", "--json", "--log", log_file.url)

    assert "different users" in found(result, "file rights")["found"]


def test_a_folder_that_everybody_may_write_to_is_named(chatr: Chatr, log_file: LogFile) -> None:
    """Whoever may write to the folder can put another log in the place of this one; /tmp's sticky bit prevents that."""
    log_file.path.parent.chmod(0o777)
    open_folder = found(chatr("doctor", "--json", "--log", log_file.url), "file rights")
    log_file.path.parent.chmod(0o1777)
    sticky = found(chatr("doctor", "--json", "--log", log_file.url), "file rights")

    assert (open_folder["status"], sticky["status"]) == ("warning", "ok")
