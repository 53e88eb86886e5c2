"""What chatr audit prints: a line for each finding, notes, a summary, and records that cannot be read."""

import pytest

from chatr.domain.events import AgentRegistered, MessagePosted
from chatr.domain.keys import hash_key
from chatr.domain.limits import Limits
from chatr.domain.policy.posting import posts_are_within_rate_limit
from chatr.testing.clock import START
from chatr.testing.records import records_after, records_of
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile
from tests.cli.steps import CHECK_BROKEN, DIGEST


def test_each_finding_is_one_line(chatr: Chatr, log_file: LogFile) -> None:
    """Without --json each finding is a line with its position, notes are marked, and the last line counts them.

    In this log the record with Ada's badge is missing.
    """
    log_file.alter("delete from log where position = 8")

    result = chatr("audit", "--log", log_file.url)

    assert result.code == 1
    assert result.lines[:-1] == [
        "position 9: Position 8 should be next: records are missing.",
        "position 9, a note: Today's rules would reject it: Unverified agents cannot post URLs.",
        f"position 9: The rules reject it: {posts_are_within_rate_limit.text(Limits())}",
        f"10 records of log {records_after(COMMANDS)[0].id}: 2 findings, 1 note.",
    ]


def test_notes_alone_do_not_fail_an_audit(chatr: Chatr, new_log: LogFile) -> None:
    """The exit code is 0 if there are notes and no findings."""
    registered = AgentRegistered(ADA, "Ada", None, hash_key("ada"), START)
    new_log.append(records_of([registered, MessagePosted(ADA, "See https://example.com", None, START)]))

    result = chatr("audit", "--log", new_log.url)

    assert result.code == 0
    assert result.lines[0] == "position 2, a note: Today's rules would reject it: Unverified agents cannot post URLs."


def test_json_ends_with_a_summary(chatr: Chatr, log_file: LogFile) -> None:
    """The last line of JSON holds the head, the log's id, and the numbers of findings and notes."""
    (summary,) = chatr("audit", "--log", log_file.url, "--json").json

    assert summary == {
        "position": 10,
        "digest": DIGEST,
        "logId": records_after(COMMANDS)[0].id,
        "findings": 0,
        "notes": 0,
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("type = 'agent-danced.v1'", "Record 5 is of type agent-danced.v1, unknown to this chatr: use a newer one."),
        ("data = '[]'", "Record 5 (message-posted.v1) is damaged"),
    ],
)
def test_an_audit_ends_at_a_record_that_cannot_be_decoded(
    chatr: Chatr, log_file: LogFile, change: str, sentence: str
) -> None:
    """The record is a finding, and no record after it is checked."""
    log_file.alter(f"update log set {change} where position = 5")

    result = chatr("audit", "--log", log_file.url, "--json", "--expect", f"10:{DIGEST}")
    changed, unreadable, _ = result.json

    assert (result.code, result.err) == (1, "")
    assert (changed["position"], changed["sentence"]) == (5, CHECK_BROKEN)
    assert unreadable["sentence"].startswith(sentence)
    assert unreadable["sentence"].endswith("The audit ends here.")


def test_an_audit_ends_at_a_record_that_the_store_cannot_read(chatr: Chatr, log_file: LogFile) -> None:
    """A record that is not UTF-8 is found at its position, and its bytes do not reach the terminal."""
    log_file.alter("update log set data = cast(x'7b1bff7d' as text) where position = 5")

    result = chatr("audit", "--log", log_file.url)

    assert (result.code, result.err, len(result.lines)) == (1, "", 4)
    assert result.lines[1].startswith("position 5: Record 5 (message-posted.v1) is damaged")
    assert result.lines[1].endswith("The audit ends here.")
    assert "\x1b" not in result.out
