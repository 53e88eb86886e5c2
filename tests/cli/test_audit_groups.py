"""chatr audit prints a line for each kind of finding, however many records have one."""

import tracemalloc

import pytest

from chatr.cli.output.audit_report import MOST_KINDS, Report
from chatr.past.audit import Finding
from tests.cli.conftest import COMMANDS, Chatr, LogFile
from tests.cli.steps import CHECK_BROKEN

MANY = 3_000
"""Findings that would take 10 MB if they were remembered."""


@pytest.fixture
def altered(log_file: LogFile) -> LogFile:
    """A log in which every record has the hash of another."""
    log_file.alter('update log set "check" = zeroblob(32)')
    return log_file


def test_findings_of_one_kind_are_one_line(chatr: Chatr, altered: LogFile) -> None:
    """The line has their number, the first positions and the last one; the exit code is that of a single finding."""
    result = chatr("audit", "--log", altered.url)

    assert result.code == 1
    assert result.lines[0] == f"10 findings at positions 1, 2, 3 … 10: {CHECK_BROKEN}"
    assert result.lines[1].endswith(": 10 findings, 0 notes.")
    assert len(result.lines) == 3


def test_all_findings_are_printed_on_request(chatr: Chatr, altered: LogFile) -> None:
    """With --all each finding is a line of its own."""
    result = chatr("audit", "--all", "--log", altered.url)

    assert result.code == 1
    assert result.lines[:-2] == [f"position {number}: {CHECK_BROKEN}" for number in range(1, 11)]


def test_json_has_every_finding(chatr: Chatr, altered: LogFile) -> None:
    """A program gets each finding as an object, as without groups."""
    *findings, summary = chatr("audit", "--json", "--log", altered.url).json

    assert [each["position"] for each in findings] == list(range(1, 11))
    assert summary["findings"] == len(COMMANDS)


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([(7, "A")], "position 7: A"),
        ([(7, "A"), (7, "A")], "2 findings at position 7: A"),
        ([(7, "A"), (9, "A")], "2 findings at positions 7, 9: A"),
        ([(7, "It follows 5."), (9, "It follows 6.")], "2 findings at positions 7, 9: such as: It follows 5."),
        ([(9, "A"), (7, "A"), (8, "A")], "3 findings at positions 9, 7, 8: A"),
        ([(number, "A") for number in range(1, 2_001)], "2,000 findings at positions 1, 2, 3 … 2000: A"),
        ([(7, "A\x1b[2J"), (8, "A\x1b[2J")], "2 findings at positions 7, 8: A\\x1b[2J"),
    ],
)
def test_the_line_of_a_kind(findings: list[tuple[int, str]], line: str) -> None:
    """A single finding has its position, several their number, the first positions and the last one."""
    report = Report(as_json=False)
    report.add(Finding(*each) for each in findings)

    assert [kind.line for kind in report.kinds.values()] == [line]


def test_notes_and_findings_are_two_kinds() -> None:
    """The same sentence as a note and as a finding makes two lines, because only one of them fails the audit."""
    report = Report(as_json=False)
    report.add([Finding(1, "A", note=True), Finding(2, "A"), Finding(3, "A", note=True)])

    assert [kind.line for kind in report.kinds.values()] == ["2 notes at positions 1, 3: A", "position 2: A"]


@pytest.mark.long
def test_memory_does_not_grow_with_the_findings() -> None:
    """Neither equal sentences nor ones that quote an altered log are all remembered."""
    report = Report(as_json=False)
    tracemalloc.start()
    report.add(Finding(number, "The same.") for number in range(MANY))
    report.add(Finding(number, f"It is of type {'x' * number}.") for number in range(MANY))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(report.kinds) <= MOST_KINDS + 1
    assert report.findings == sum(kind.positions.count for kind in report.kinds.values()) == 2 * MANY
    assert most < 5_000_000
