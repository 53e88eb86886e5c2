"""chatr audit finds records that were altered by hand, and prints the head that a later audit can expect."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.stores.sqlite.form import SELECT
from chatr.domain.room import Room
from chatr.past.checkpoint import Checkpoint
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_after
from tests.cli.conftest import ADA, BOB, COMMANDS, Chatr, LogFile, Result
from tests.cli.steps import CHECK_BROKEN


def expect_options(*positions: int) -> tuple[str, ...]:
    """Return --expect with the heads of the unaltered log at these positions."""
    return tuple(
        word for position in positions for word in ("--expect", head(folded_room(records_after(COMMANDS[:position]))))
    )


def test_records_that_only_the_checkpoint_knows_are_missed(chatr: Chatr, log_file: LogFile) -> None:
    """If the log ends before its checkpoint, this is a finding, also without a head file."""
    path = log_file.path.with_name(f"{log_file.path.name}.checkpoint")
    asyncio.run(Checkpoint(path).close(folded_room(records_after(COMMANDS))))
    log_file.alter("delete from log where position > 7")
    log_file.path.with_name(f"{log_file.path.name}.head").unlink()
    result = chatr("audit", "--log", log_file.url)

    assert result.code == 1
    assert "The log ends at record 7, and its checkpoint was written at record 10" in result.out


def head(room: Room) -> str:
    """Return the head of a room as audit prints it."""
    return f"{room.position}:{room.chain_hash.hex()}"


def findings(chatr: Chatr, log_file: LogFile, *options: str) -> tuple[int, list[tuple[int, str]]]:
    """Audit the log; return the exit code, and position and sentence of each finding."""
    result = chatr("audit", "--log", log_file.url, "--json", *options)
    assert result.err == ""
    return result.code, [(finding["position"], finding["sentence"]) for finding in result.json[:-1]]


def repair_checks(path: Path) -> None:
    """Make `previous` and the check of every record fit, as an attacker can who knows how they are computed."""
    last_in_stream = dict[str, int]()
    with closing(sqlite3.connect(path)) as db, db:
        rows = [Stored(*row) for row in db.execute(f"{SELECT} order by position")]
        # (stream, previous) is unique, so all old values have to go before the first new one is set.
        db.execute("update log set previous = -position")
        for stored in rows:
            previous = last_in_stream.get(stored.stream, 0)
            change = 'update log set previous = ?, "check" = ? where position = ?'
            db.execute(change, (previous, stored.record_hash_after(previous), stored.position))
            last_in_stream[stored.stream] = stored.position


# Positions are unique, also in between: the two records are swapped by way of negative positions.
SWAP = "update log set position = case position when 5 then -6 when 6 then -5 end where position in (5, 6)"
END_SWAP = "update log set position = -position where position < 0"


def test_an_unaltered_log_has_no_findings(chatr: Chatr, log_file: LogFile) -> None:
    """The exit code is 0, and the last line is the head in the form that --expect takes."""
    room = folded_room(records_after(COMMANDS))

    result = chatr("audit", "--log", log_file.url)

    assert result == Result(0, f"10 records of log {room.log_id}: 0 findings, 0 notes.\nhead {head(room)}\n", "")


def test_the_printed_head_can_be_expected(chatr: Chatr, log_file: LogFile) -> None:
    """The head that an audit prints is accepted by --expect, in lower and in upper case."""
    printed = chatr("audit", "--log", log_file.url).lines[-1].removeprefix("head ")

    assert findings(chatr, log_file, "--expect", printed, "--expect", printed.upper()) == (0, [])


def test_an_altered_message_is_found(chatr: Chatr, log_file: LogFile) -> None:
    """The check of the record does not fit another text."""
    log_file.alter("update log set data = replace(data, 'Hi!', 'Ho!') where position = 6")

    assert findings(chatr, log_file) == (1, [(6, CHECK_BROKEN)])


def test_an_altered_time_is_found(chatr: Chatr, log_file: LogFile) -> None:
    """The check of the record does not fit another time."""
    log_file.alter("update log set at = ? where position = 9", START + 1)

    code, (altered, stepped_back) = findings(chatr, log_file)

    assert (code, altered) == (1, (9, CHECK_BROKEN))
    assert stepped_back[0] == 9


def test_an_altered_order_is_found(chatr: Chatr, log_file: LogFile) -> None:
    """Records that changed places no longer follow one another in their streams."""
    log_file.alter(SWAP)
    log_file.alter(END_SWAP)

    assert findings(chatr, log_file) == (
        1,
        [
            (5, "It was decided at position 5, which is impossible."),
            (7, "It follows position 5 in its stream, whose last record is 6."),
            (10, "It follows position 6 in its stream, whose last record is 5."),
        ],
    )


def test_an_altered_badge_is_found(chatr: Chatr, log_file: LogFile) -> None:
    """A badge that was given to another account breaks the check, the stream and the rules."""
    log_file.alter("update log set data = replace(data, 'ada_of_london', 'ada_of_paris') where position = 8")

    code, found = findings(chatr, log_file)

    assert (code, {position for position, _ in found}) == (1, {8})
    assert (8, CHECK_BROKEN) in found


def test_a_badge_with_a_repaired_check_breaks_the_rules(chatr: Chatr, log_file: LogFile) -> None:
    """A verification that the agent did not start is found although the check of its record fits."""
    log_file.alter("update log set data = replace(data, ?, ?) where position = 8", ADA, BOB)
    repair_checks(log_file.path)

    code, found = findings(chatr, log_file)

    assert (code, found[0]) == (1, (8, "The rules reject it: Start a verification before you complete it."))


FORGERIES: dict[str, tuple[str, ...]] = {
    "message": ("update log set data = replace(data, 'Hi!', 'Ho!') where position = 6",),
    "time": ("update log set at = at + 1000 where position = 6",),
    "order": (SWAP, END_SWAP, "update log set seen = position - 1"),
    "badge": ("update log set data = replace(data, 'countess', 'somebody') where position = 8",),
}


@pytest.mark.parametrize("statements", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_not_found_without_expected_heads(
    chatr: Chatr, log_file: LogFile, statements: tuple[str, ...]
) -> None:
    """An audit cannot find a change that obeys the rules and has repaired checks, unless a head is expected."""
    for statement in statements:
        log_file.alter(statement)
    repair_checks(log_file.path)

    assert findings(chatr, log_file) == (0, [])


@pytest.mark.parametrize("statements", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_found_between_two_expected_heads(
    chatr: Chatr, log_file: LogFile, statements: tuple[str, ...]
) -> None:
    """The finding names the positions from the last head that fits to the first that does not."""
    for statement in statements:
        log_file.alter(statement)
    repair_checks(log_file.path)

    assert findings(chatr, log_file, *expect_options(10, 4, 9, 2)) == (
        1,
        [(9, "The head is not the expected one: something from position 5 to 9 was changed.")],
    )


def test_a_head_of_another_log_is_found(chatr: Chatr, log_file: LogFile) -> None:
    """If no expected head fits, the change may lie anywhere from position 1."""
    code, found = findings(chatr, log_file, "--expect", f"5:{'0' * 64}")

    assert (code, found) == (
        1,
        [(5, "The head is not the expected one: something from position 1 to 5 was changed.")],
    )


def test_the_head_file_shows_a_deleted_end(chatr: Chatr, log_file: LogFile) -> None:
    """Without --expect, records that were deleted from the end are missed by the head file beside the log."""
    log_file.alter("delete from log where position > 8")
    code, [(position, sentence)] = findings(chatr, log_file)

    assert (code, position) == (1, 0)
    assert "ends at record 8, and had 10" in sentence


def test_a_deleted_end_is_found(chatr: Chatr, log_file: LogFile) -> None:
    """Records that were deleted from the end are missed by a head that is expected after them."""
    log_file.path.with_name("chatr.db.head").unlink()
    log_file.alter("delete from log where position > 8")

    assert findings(chatr, log_file, *expect_options(8, 10)) == (
        1,
        [(10, "A head is expected here, but the log ends at 8.")],
    )


def test_an_empty_log_has_no_findings(chatr: Chatr, new_log: LogFile) -> None:
    """A log without records passes an audit."""
    new_log.append([])

    result = chatr("audit", "--log", new_log.url)

    assert (result.code, result.lines[0]) == (0, "0 records: 0 findings, 0 notes.")
