"""chatr audit: what was altered by hand is found, and the head is told for whoever keeps it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatr.adapters.sqlite import SELECT
from chatr.domain import policy
from chatr.domain.events import AgentRegistered, MessagePosted
from chatr.domain.keys import digest_of
from chatr.domain.limits import Limits
from chatr.domain.room import Room
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.records import accepted, folded, happened
from tests.cli.conftest import ADA, BOB, PAST, Chatr, File, Run

CHECK = "Its check does not fit: it was changed after it was stored."


def kept(*positions: int) -> tuple[str, ...]:
    """The heads of PAST at these positions, as one gives them to audit."""
    return tuple(word for position in positions for word in ("--expect", head(folded(accepted(PAST[:position])))))


def head(room: Room) -> str:
    return f"{room.position}:{room.head.hex()}"


def audited(chatr: Chatr, file: File, *options: str) -> tuple[int, list[tuple[int, str]]]:
    """The exit code, and position and sentence of each finding."""
    run = chatr("audit", "--log", file.url, "--json", *options)
    assert run.err == ""
    return run.code, [(told["position"], told["sentence"]) for told in run.json[:-1]]


def forge(path: Path) -> None:
    """Have every record's `previous` and check fit, as somebody would who knows how they are made."""
    last = dict[str, int]()
    with closing(sqlite3.connect(path)) as db, db:
        rows = [Stored(*row) for row in db.execute(f"{SELECT} order by position")]
        db.execute("update log set previous = -position")
        for each in rows:
            previous = last.get(each.stream, 0)
            change = 'update log set previous = ?, "check" = ? where position = ?'
            db.execute(change, (previous, each.check_after(previous), each.position))
            last[each.stream] = each.position


SWAP = "update log set position = case position when 5 then -6 when 6 then -5 end where position in (5, 6)"
TURN = "update log set position = -position where position < 0"
"""SQLite minds if two positions are the same in between."""


def test_a_whole_log(chatr: Chatr, file: File) -> None:
    """Nothing is found, the exit code is 0, and the head is told in the form in which it can be kept."""
    room = folded(accepted(PAST))

    run = chatr("audit", "--log", file.url)

    assert run == Run(0, f"10 records of log {room.log_id}: 0 findings, 0 notes.\nhead {head(room)}\n", "")


def test_the_head_that_is_told_is_the_one_that_is_expected(chatr: Chatr, file: File) -> None:
    """What one audit prints the next one takes."""
    last = chatr("audit", "--log", file.url).lines[-1].removeprefix("head ")

    assert audited(chatr, file, "--expect", last, "--expect", last.upper()) == (0, [])


def test_a_message_that_was_altered(chatr: Chatr, file: File) -> None:
    """Another text is found by its check."""
    file.alter("update log set data = replace(data, 'Hi!', 'Ho!') where position = 6")

    assert audited(chatr, file) == (1, [(6, CHECK)])


def test_a_time_that_was_altered(chatr: Chatr, file: File) -> None:
    """Another time is found by its check, and where the rules would not have had it, by them."""
    file.alter("update log set at = ? where position = 9", START + 1)

    assert audited(chatr, file) == (1, [(9, CHECK)])


def test_an_order_that_was_altered(chatr: Chatr, file: File) -> None:
    """Records that changed places no longer follow one another in their streams."""
    file.alter(SWAP)
    file.alter(TURN)

    assert audited(chatr, file) == (
        1,
        [
            (5, "Its decider had seen position 5, which cannot be."),
            (7, "It follows position 5 in its stream, whose last record is 6."),
            (10, "It follows position 6 in its stream, whose last record is 5."),
        ],
    )


def test_a_badge_that_was_altered(chatr: Chatr, file: File) -> None:
    """A badge given to another is found by its check, its stream and the rules."""
    file.alter("update log set data = replace(data, 'ada_of_london', 'ada_of_paris') where position = 8")

    code, found = audited(chatr, file)

    assert (code, {position for position, _ in found}) == (1, {8})
    assert (8, CHECK) in found


def test_a_forged_badge(chatr: Chatr, file: File) -> None:
    """Where the check was made to fit, the rules still ask who started a verification."""
    file.alter("update log set data = replace(data, ?, ?) where position = 8", ADA, BOB)
    forge(file.path)

    code, found = audited(chatr, file)

    assert (code, found[0]) == (1, (8, "The rules refuse it: Start a verification before you complete it."))


FORGED: dict[str, tuple[str, ...]] = {
    "message": ("update log set data = replace(data, 'Hi!', 'Ho!') where position = 6",),
    "time": ("update log set at = at + 1000 where position = 6",),
    "order": (SWAP, TURN, "update log set seen = position - 1"),
    "badge": ("update log set data = replace(data, 'countess', 'somebody') where position = 8",),
}


@pytest.mark.parametrize("statements", FORGED.values(), ids=FORGED)
def test_a_forgery_without_kept_heads(chatr: Chatr, file: File, statements: tuple[str, ...]) -> None:
    """Whoever recomputes the checks of what the rules allow is found by nobody who kept nothing."""
    for statement in statements:
        file.alter(statement)
    forge(file.path)

    assert audited(chatr, file) == (0, [])


@pytest.mark.parametrize("statements", FORGED.values(), ids=FORGED)
def test_a_forgery_between_two_kept_heads(chatr: Chatr, file: File, statements: tuple[str, ...]) -> None:
    """It lies between the last head that fits and the first that does not."""
    for statement in statements:
        file.alter(statement)
    forge(file.path)

    assert audited(chatr, file, *kept(10, 4, 9, 2)) == (
        1,
        [(9, "The head is not the one that was kept: something from position 5 to 9 was changed.")],
    )


def test_another_log_altogether(chatr: Chatr, file: File) -> None:
    """Without a head that fits, the change may lie anywhere."""
    code, found = audited(chatr, file, "--expect", f"5:{'0' * 64}")

    assert (code, found) == (
        1,
        [(5, "The head is not the one that was kept: something from position 1 to 5 was changed.")],
    )


def test_an_end_that_was_cut_off(chatr: Chatr, file: File) -> None:
    """What is no longer there is found by the head that was kept of it."""
    file.alter("delete from log where position > 8")

    assert audited(chatr, file, *kept(8, 10)) == (
        1,
        [(10, "A head was kept of this position, but the log ends at 8.")],
    )


def test_people_read_a_line_a_finding(chatr: Chatr, file: File) -> None:
    """Each has its position and a sentence, notes are marked, and the sum stands below. Here the badge is gone."""
    file.alter("delete from log where position = 8")

    run = chatr("audit", "--log", file.url)

    assert run.code == 1
    assert run.lines[:-1] == [
        "position 9: Position 8 should be next: records are missing.",
        "position 9, a note: Today's rules would refuse it: Unverified agents cannot post URLs.",
        f"position 9: The rules refuse it: {policy.posts_are_paced.told(Limits())}",
        f"10 records of log {accepted(PAST)[0].id}: 2 findings, 1 note.",
    ]


def test_a_note_alone_is_nothing_wrong(chatr: Chatr, empty: File) -> None:
    """Exit code 0 says that there is no finding."""
    came = AgentRegistered(ADA, "Ada", None, digest_of("ada"), START)
    empty.write(happened([came, MessagePosted(ADA, "See https://example.com", None, START)]))

    run = chatr("audit", "--log", empty.url)

    assert run.code == 0
    assert run.lines[0] == "position 2, a note: Today's rules would refuse it: Unverified agents cannot post URLs."


def test_programs_read_a_sum(chatr: Chatr, file: File) -> None:
    """The last line of JSON holds the head, the log's id and how much was found."""
    room = folded(accepted(PAST))
    (told,) = chatr("audit", "--log", file.url, "--json").json

    expected: dict[str, Any] = {"position": 10, "digest": room.head.hex(), "logId": room.log_id}
    assert told == expected | {"findings": 0, "notes": 0}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("type = 'agent-danced.v1'", "Record 5 is of type agent-danced.v1, unknown to this chatr: use a newer one."),
        ("data = '[]'", "Record 5 (message-posted.v1) is damaged"),
    ],
)
def test_a_record_that_cannot_be_read(chatr: Chatr, file: File, change: str, sentence: str) -> None:
    """It is found, and nothing after it is judged."""
    file.alter(f"update log set {change} where position = 5")

    code, found = audited(chatr, file, *kept(10))

    assert (code, found[0], len(found)) == (1, (5, CHECK), 2)
    assert found[1][1].startswith(sentence)
    assert found[1][1].endswith("The audit ends here.")


def test_a_record_that_is_no_text(chatr: Chatr, file: File) -> None:
    """What the store itself cannot read is found where it stands, and shows nothing that moves a cursor."""
    file.alter("update log set data = cast(x'7b1bff7d' as text) where position = 5")

    run = chatr("audit", "--log", file.url)

    assert (run.code, run.err, len(run.lines)) == (1, "", 3)
    assert run.lines[0].startswith("position 5: It cannot be read: Could not decode to UTF-8")
    assert run.lines[0].endswith("The audit ends here.")
    assert "\x1b" not in run.out


def test_an_empty_log(chatr: Chatr, empty: File) -> None:
    """Nothing is wrong with nothing."""
    empty.write([])

    run = chatr("audit", "--log", empty.url)

    assert (run.code, run.lines[0]) == (0, "0 records: 0 findings, 0 notes.")
