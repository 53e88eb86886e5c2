"""chatr export --transcript: what was said, for people, and harmless wherever they open it."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.cli.transcript import Csv, Markdown, Said, inert
from chatr.domain.commands import Command, Post
from chatr.domain.limits import HOUR
from chatr.testing.clock import START
from chatr.testing.records import accepted
from tests.cli.conftest import ADA, PAST, Chatr, File
from tests.cli.moving import done

TOMORROW: Command = Post(ADA, "*Good* morning\n# all", START + 24 * HOUR)


@pytest.fixture
def two_days(empty: File) -> File:
    empty.write(accepted([*PAST, TOMORROW]))
    return empty


def test_markdown(chatr: Chatr, two_days: File, tmp_path: Path) -> None:
    """Each day has a heading; each message its time, its author and its text, of which nothing is markup."""
    told = done(chatr, "export", tmp_path / "room.md", "--transcript", "md", "--log", two_days.url)

    assert told == "4 messages written.\n"
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


def test_csv(chatr: Chatr, two_days: File, tmp_path: Path) -> None:
    """A row for each message, in UTF-8 that Excel knows as such."""
    done(chatr, "export", tmp_path / "room.csv", "--transcript", "csv", "--log", two_days.url)
    text = (tmp_path / "room.csv").read_bytes().decode("utf-8-sig")

    assert (tmp_path / "room.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(StringIO(text, newline="")))[::4] == [
        ["position", "time", "agent", "message"],
        ["11", "2026-01-02T00:00:00.000Z", "Ada", "*Good* morning\n# all"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", " =1+1", "\t=1", "\r=1", "\tx", "\uff1d1+1", "\xa0=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever a spreadsheet would compute is text, with an apostrophe before it."""
    assert inert(text) == f"'{text}"


def test_an_innocent_cell_is_left_alone() -> None:
    """What is no formula stays as it is."""
    assert inert("1 + 1 = 2 🦀") == "1 + 1 = 2 🦀"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_message_is_one_row(messages: list[tuple[str, str]]) -> None:
    """No text breaks out of its cell."""
    file = StringIO(newline="")
    form = Csv(file)
    for name, content in messages:
        form.write(Said(1, "2026-01-01T00:00:00.000Z", name, content))
    _, *rows = csv.reader(StringIO(file.getvalue(), newline=""))

    assert [(name, content) for _, _, name, content in rows] == [tuple(map(inert, each)) for each in messages]


@given(st.text())
def test_a_message_is_one_line(content: str) -> None:
    """No text breaks out of its line, and no character that can begin markup stands without its backslash."""
    file = StringIO(newline="")
    Markdown(file).write(Said(1, "2026-01-01T00:00:00.000Z", "Ada", content))
    told = file.getvalue().removeprefix("# 2026-01-01\n\n- 00:00:00.000 **Ada**: ")

    assert told.splitlines(keepends=True) == [told]
    assert re.fullmatch(r"(?:<br>|\\[!-~]|[^!#&*<>\[\\\]_`|~])*\n", told)
