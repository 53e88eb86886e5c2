"""chatr export --transcript writes messages for people, as text that no program takes for markup or formulas."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.cli.output.transcript import CsvTranscript, MarkdownTranscript, TranscriptLine, escape_formula
from chatr.domain.commands import Command, Post
from chatr.domain.limits import HOUR
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile
from tests.cli.steps import output_of

NEXT_DAY: Command = Post(ADA, "*Good* morning\n# all", START + 24 * HOUR)


@pytest.fixture
def two_days(new_log: LogFile) -> LogFile:
    """A log with messages of two days."""
    new_log.append(records_after([*COMMANDS, NEXT_DAY]))
    return new_log


def test_markdown(chatr: Chatr, two_days: LogFile, tmp_path: Path) -> None:
    """Each day has a heading, and each message is a list item with time, author and text, whose markup is escaped."""
    output = output_of(chatr, "export", tmp_path / "room.md", "--transcript", "md", "--log", two_days.url)

    assert output == "4 messages written.\n"
    assert (tmp_path / "room.md").read_text() == (
        "# 2026-01-01\n"
        "\n"
        "- 00:00:10.000 **Ada**: Hello, Bob\\!\n"
        "- 00:01:00.000 **Bob**: Hi\\!\n"
        "- 00:03:00.000 **Ada**: See https\\://example\\.com\n"
        "\n"
        "# 2026-01-02\n"
        "\n"
        "- 00:00:00.000 **Ada**: \\*Good\\* morning<br>\\# all\n"
    )


def test_csv(chatr: Chatr, two_days: LogFile, tmp_path: Path) -> None:
    """Each message is a row, in UTF-8 with the byte order mark that Excel needs."""
    output_of(chatr, "export", tmp_path / "room.csv", "--transcript", "csv", "--log", two_days.url)
    text = (tmp_path / "room.csv").read_bytes().decode("utf-8-sig")

    assert (tmp_path / "room.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(StringIO(text, newline="")))[::4] == [
        ["position", "time", "agent", "message"],
        ["11", "2026-01-02T00:00:00.000Z", "Ada", "*Good* morning\n# all"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", " =1+1", "\t=1", "\r=1", "\tx", "\uff1d1+1", "\xa0=1"])
def test_a_formula_is_escaped(text: str) -> None:
    """A text that a spreadsheet would compute gets an apostrophe before it."""
    assert escape_formula(text) == f"'{text}"


def test_other_text_is_not_escaped() -> None:
    """A text that is not a formula stays as it is."""
    assert escape_formula("1 + 1 = 2 🦀") == "1 + 1 = 2 🦀"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_each_message_is_one_row(messages: list[tuple[str, str]]) -> None:
    """No text ends its cell or its row."""
    file = StringIO(newline="")
    transcript = CsvTranscript(file)
    for name, content in messages:
        transcript.write(TranscriptLine(1, "2026-01-01T00:00:00.000Z", name, content))
    _, *rows = csv.reader(StringIO(file.getvalue(), newline=""))

    assert [(name, content) for _, _, name, content in rows] == [
        tuple(map(escape_formula, message)) for message in messages
    ]


@given(st.text())
def test_each_message_is_one_line(content: str) -> None:
    """No text ends its line, and every character that can begin markup has a backslash before it."""
    file = StringIO(newline="")
    MarkdownTranscript(file).write(TranscriptLine(1, "2026-01-01T00:00:00.000Z", "Ada", content))
    line = file.getvalue().removeprefix("# 2026-01-01\n\n- 00:00:00.000 **Ada**: ")

    assert line.splitlines(keepends=True) == [line]
    assert re.fullmatch(r"(?:<br>|\\[!-~]|[^!#&*<>\[\\\]_`|~])*\n", line)
