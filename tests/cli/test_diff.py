"""chatr diff compares two logs: exit code 0 if they are equal, 1 if they differ, 2 if one cannot be read."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.domain.commands import Post
from chatr.domain.limits import MINUTE
from chatr.testing.clock import START
from chatr.testing.contract.steps import append_many
from chatr.testing.records import records_after
from tests.cli.conftest import BOB, COMMANDS, Chatr, LogFile, Result
from tests.cli.steps import NEXT_POST, OTHER_POST, exported, output_of
from tests.postgres import Postgres


@pytest.fixture
def other(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> LogFile:
    """A copy of the log of COMMANDS in another file."""
    copy = LogFile(tmp_path / "other.db")
    output_of(chatr, "copy", log_file.url, copy.url)
    return copy


def check(result: Result, *sentences: str) -> None:
    """Check that two logs differ, and in what."""
    assert (result.code, result.err) == (1, "")
    assert result.lines[2:] == list(sentences)


def json_of(chatr: Chatr, a: LogFile, b: LogFile) -> list[Any]:
    """Return the differences as objects, without the summary."""
    result = chatr("diff", a.url, b.url, "--json")
    assert result.code == 1
    return result.json[:-1]


@pytest.mark.parametrize(
    "form", ["copy", "the same file", "room.jsonl", "room.jsonl.gz", pytest.param("postgres", marks=pytest.mark.long)]
)
def test_equal_logs(
    chatr: Chatr, request: pytest.FixtureRequest, log_file: LogFile, other: LogFile, tmp_path: Path, form: str
) -> None:
    """A log is equal to itself, to a copy in any store and to an export, plain or compressed."""
    match form:
        case "copy":
            copy = other.url
        case "the same file":
            copy = log_file.url
        case "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            copy = server.log()
            assert chatr("copy", log_file.url, copy).code == 0
        case _:
            copy = str(tmp_path / form)
            output_of(chatr, "export", copy, "--log", log_file.url)
    log_id = records_after(COMMANDS)[0].id
    result = chatr("diff", log_file.url, copy)

    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == f"A  {log_file.url}: 10 records of log {log_id}"
    assert result.lines[2:] == ["They are equal."]
    assert chatr("diff", copy, log_file.url, "--json").json[-1]["equal"] is True


def test_one_log_goes_on(chatr: Chatr, log_file: LogFile, other: LogFile) -> None:
    """A copy that is older is the first part of the other log."""
    log_file.append(records_after([*COMMANDS, NEXT_POST]))
    equal = "They are equal up to position 10."

    check(chatr("diff", log_file.url, other.url), equal, "B ends at 10, and A goes on with 1 record, up to 11.")
    check(chatr("diff", other.url, log_file.url), equal, "A ends at 10, and B goes on with 1 record, up to 11.")
    assert json_of(chatr, other, log_file) == [{"kind": "only_in_b", "position": 11, "until": 11}]


def test_two_logs_fork(chatr: Chatr, log_file: LogFile, other: LogFile) -> None:
    """After a backup was put in the place of a log, both go on with other records: the position and their numbers."""
    log_file.append(records_after([*COMMANDS, NEXT_POST, Post(BOB, "Third", START + 60 * MINUTE)]))
    for_other = records_after([*COMMANDS, OTHER_POST])
    other.append(for_other)
    other.alter("update log set id = 'ffffffff' || substr(id, 9) where position = 11")

    check(
        chatr("diff", log_file.url, other.url),
        "They are equal up to position 10.",
        "From position 11 on they hold other records: A with 2 records and B with 1 record.",
    )
    assert [each["kind"] for each in json_of(chatr, log_file, other)] == ["forked", "only_in_a"]


def test_other_logs(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Logs whose ids differ are not compared record by record."""
    other = LogFile(tmp_path / "other.db")
    other.append(records_after(COMMANDS))
    other.alter("update log set id = 'ffffffff' || substr(id, 9)")

    check(chatr("diff", log_file.url, other.url), "These are two logs: neither is a copy of the other.")
    (summary,) = chatr("diff", log_file.url, other.url, "--json").json
    assert (summary["equal"], summary["sameLog"], summary["equalUntil"]) == (False, False, 0)


def test_an_erased_record(chatr: Chatr, log_file: LogFile, other: LogFile) -> None:
    """A text that was erased in one log alone is no alteration."""
    log_file.alter("update log set data = '' where position in (5, 9)")

    check(
        chatr("diff", log_file.url, other.url),
        "They are equal up to position 4.",
        "2 records are erased in A alone, at positions 5, 9.",
    )
    assert [each["kind"] for each in json_of(chatr, other, log_file)] == ["erased_in_b"] * 2


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ("data = replace(data, 'Hello', 'Bye')", ["data"]),
        ("at = at + 1, type = 'agent-left.v1'", ["type", "at"]),
        ("id = 'ffffffff' || substr(id, 9)", ["id"]),
        ('"check" = zeroblob(32), seen = 1', ["seen", "check"]),
    ],
)
def test_an_altered_record(chatr: Chatr, log_file: LogFile, other: LogFile, change: str, columns: list[str]) -> None:
    """The columns that were altered are named; the records after it are equal, so that the logs do not fork."""
    other.alter(f"update log set {change} where position = 5")

    check(
        chatr("diff", log_file.url, other.url),
        "They are equal up to position 4.",
        f"1 record is altered in one of them, at position 5 ({', '.join(columns)}).",
    )
    assert json_of(chatr, log_file, other) == [{"kind": "altered", "position": 5, "until": 5, "columns": columns}]


def test_a_deleted_record(chatr: Chatr, log_file: LogFile, other: LogFile) -> None:
    """A record that is missing in one log is in the other alone, and what follows is compared."""
    other.alter("delete from log where position = 5")

    check(
        chatr("diff", log_file.url, other.url),
        "They are equal up to position 4.",
        "1 record is in A alone, at position 5.",
    )


def test_empty_logs(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Two empty logs are equal, and an empty one is the first part of any other."""
    empty, other = LogFile(tmp_path / "empty.db"), LogFile(tmp_path / "other.db")
    empty.append([])
    other.append([])

    assert chatr("diff", empty.url, other.url).code == 0
    check(
        chatr("diff", empty.url, log_file.url),
        "They differ from the start.",
        "A ends at 0, and B goes on with 10 records, up to 10.",
    )


def test_many_differences_are_one_line(chatr: Chatr, log_file: LogFile, other: LogFile) -> None:
    """Of many records the number, the first positions and the last one are printed; JSON has each."""
    other.alter("update log set at = at + 1 where position > 1")

    check(
        chatr("diff", log_file.url, other.url),
        "They are equal up to position 1.",
        "9 records are altered in one of them, at positions 2, 3, 4 … 10 (at).",
    )
    assert len(json_of(chatr, log_file, other)) == 9


@pytest.mark.long
def test_logs_of_several_batches(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Logs are read in parts, and what differs in a later part is found."""

    async def write(path: Path) -> None:
        async with sqlite_log(path) as log:
            await append_many(log, 2_100)

    long, copy = LogFile(tmp_path / "long.db"), LogFile(tmp_path / "copy.db")
    asyncio.run(write(long.path))
    output_of(chatr, "copy", long.url, copy.url)
    copy.alter("update log set id = 'ffffffff' || substr(id, 9) where position between 990 and 2050")

    assert json_of(chatr, long, copy) == [{"kind": "altered", "position": 990, "until": 2050, "columns": ["id"]}]


@pytest.mark.parametrize("unreadable", ["missing.db", "no log", "cut off", "damaged"])
def test_trouble(chatr: Chatr, log_file: LogFile, tmp_path: Path, unreadable: str) -> None:
    """A log that cannot be read is exit code 2 and one sentence, whichever of the two it is."""
    path = tmp_path / "room.jsonl"
    match unreadable:
        case "missing.db":
            url = f"sqlite:///{tmp_path}/missing.db"
        case "no log":
            url = str(tmp_path)
        case "cut off":
            url = str(exported(chatr, log_file))
            path.write_bytes(path.read_bytes()[:-50])
        case _:
            url = str(exported(chatr, log_file))
            path.write_bytes(path.read_bytes().replace(b'"position":5', b'"position":6'))
    for arguments in ((url, log_file.url), (log_file.url, url)):
        result = chatr("diff", *arguments)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("chatr: ")
        assert result.err.count("\n") == 1


@pytest.mark.long
def test_no_password_is_printed(chatr: Chatr, log_file: LogFile, postgres: Postgres) -> None:
    """The line that describes a log leaves the password of its URL out."""
    url = postgres.log().replace("postgres@", "postgres:S3CRET@")
    assert chatr("copy", log_file.url, url).code == 0
    result = chatr("diff", url, log_file.url)

    assert result.code == 0
    assert "S3CRET" not in result.out + result.err
