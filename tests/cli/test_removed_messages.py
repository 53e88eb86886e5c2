"""Removed messages in what the commands print: the room as it was, and transcripts without them."""

from pathlib import Path
from typing import Any

import pytest

from chatr.domain.commands import Command, Post
from chatr.domain.events import Record
from chatr.domain.limits import HOUR, MESSAGES_IN_MEMORY
from chatr.domain.moderation_commands import EraseRecords, RemoveMessage, RestoreMessage
from chatr.domain.moderation_events import ErasedRecord
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import ADA, BOB, COMMANDS, Chatr, LogFile
from tests.cli.steps import output_of
from tests.moderation import OPERATOR, REASON

REMOVE = RemoveMessage(BOB, 6, REASON, OPERATOR, START + HOUR)
RESTORE = RestoreMessage(BOB, 6, OPERATOR, START + 2 * HOUR)
ERASE = EraseRecords(BOB, (ErasedRecord(6, "0" * 64),), REASON, OPERATOR, START + HOUR)
PLACEHOLDER = {"content": "[removed]", "removed": True, "removedBy": OPERATOR, "reason": REASON}


@pytest.fixture
def removed(new_log: LogFile) -> LogFile:
    """A log in which Bob's message at position 6 was removed at position 11."""
    new_log.append(records_after([*COMMANDS, REMOVE]))
    return new_log


def messages(chatr: Chatr, log: LogFile, *options: object) -> list[dict[str, Any]]:
    """The messages that `chatr replay` prints."""
    (room,) = chatr("replay", "--log", log.url, "--json", *options).json
    return list(room["messages"])


def contents(chatr: Chatr, log: LogFile, *options: object) -> list[str]:
    return [each["content"] for each in messages(chatr, log, *options)]


def test_the_room_as_of_then(chatr: Chatr, removed: LogFile) -> None:
    """Before the removal the text is shown, after it not."""
    assert contents(chatr, removed, "--at", 10) == ["Hello, Bob!", "Hi!", "See https://example.com"]
    assert contents(chatr, removed, "--at", 11) == ["Hello, Bob!", "See https://example.com"]


def test_redacted_as_the_server_does(chatr: Chatr, removed: LogFile) -> None:
    """With --redact a message that was removed later is there without its text, as in GET /api/at."""
    shown = messages(chatr, removed, "--at", 10, "--redact")

    assert [each["id"] for each in shown] == ["5", "6", "9"]
    assert shown[1].items() >= PLACEHOLDER.items()
    assert contents(chatr, removed, "--at", 11, "--redact") == ["Hello, Bob!", "See https://example.com"]


def test_redaction_shows_what_was_restored_later(chatr: Chatr, new_log: LogFile) -> None:
    """With --redact a message that was hidden then and is shown now is shown."""
    new_log.append(records_after([*COMMANDS, REMOVE, RESTORE]))

    assert contents(chatr, new_log, "--at", 11) == ["Hello, Bob!", "See https://example.com"]
    assert contents(chatr, new_log, "--at", 11, "--redact") == ["Hello, Bob!", "Hi!", "See https://example.com"]


def test_totals_are_those_of_what_is_shown(chatr: Chatr, removed: LogFile) -> None:
    """Totals count messages as they are shown: as of then, or with --redact as of now."""
    totals = []
    for options in (["--at", 10], ["--at", 10, "--redact"], []):
        (room,) = chatr("replay", "--log", removed.url, "--json", *options).json
        totals.append(room["stats"]["totalMessages"])

    assert totals == [3, 2, 2]


def test_people_read_by_whom_and_why(chatr: Chatr, removed: LogFile) -> None:
    """The table of messages says who removed one, and why."""
    output = output_of(chatr, "replay", "--log", removed.url, "--at", 10, "--redact")

    assert f"[removed by {OPERATOR}: {REASON}]" in output
    assert "Hi!" not in output


@pytest.mark.parametrize("hide", [REMOVE, ERASE])
@pytest.mark.parametrize("form", ["md", "csv"])
def test_a_transcript_leaves_removed_messages_out(
    chatr: Chatr, new_log: LogFile, tmp_path: Path, form: str, hide: Command
) -> None:
    """A transcript has the messages that are shown now, and counts those."""
    new_log.append(records_after([*COMMANDS, hide]))
    output = output_of(chatr, "export", tmp_path / "room", "--transcript", form, "--log", new_log.url)

    assert output == "2 messages written.\n"
    assert "Hi" not in (tmp_path / "room").read_text("utf-8")


@pytest.mark.long
def test_the_last_messages_reach_behind_removed_ones(chatr: Chatr, new_log: LogFile) -> None:
    """Also where all messages in the room's memory were removed, the last ones before them are printed."""
    posts = [Post(ADA, "more", START + (1 + number) * HOUR) for number in range(MESSAGES_IN_MEMORY)]
    first = len(COMMANDS) + 1
    erased = [
        EraseRecords(ADA, tuple(map(erased_record, range(start, start + 1_000))), REASON, OPERATOR, START)
        for start in (first, first + MESSAGES_IN_MEMORY - 1_000)
    ]
    new_log.append(records(*COMMANDS, *posts, *erased))

    assert contents(chatr, new_log) == ["Hello, Bob!", "Hi!", "See https://example.com"]


def erased_record(position: int) -> ErasedRecord:
    return ErasedRecord(position, "0" * 64)


def records(*commands: Command) -> list[Record]:
    found = records_after(commands)
    assert len(found) == len(commands)
    return found
