"""On a terminal a long text goes on below its beginning; in a pipe each record is one line."""

from collections.abc import Callable

import pytest

from chatr.cli.output.columns import ISOLATE, display_width, fitting, hanging_rows
from chatr.domain.commands import Post
from chatr.domain.limits import MINUTE
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile

TEXTS = {
    "words": "word " * 40 + "end",
    "one word": "w" * 200,
    "Chinese": "語言" * 50,
    "emoji": "👍🏽 👩‍👩‍👧 " * 20 + "!",
    "marks": "e\u0301\u0323 " * 60 + "!",
    "Hebrew": "שלום עולם " * 20 + "!",
    "Hindi": "नमस्ते दुनिया " * 15 + "!",
    "escapes": "a\x1b[31mb\u202ec\n" * 15 + "!",
}
LEAD = "   1042  2026-01-01T00:00:00.000Z  Ada  "


@pytest.fixture(params=[20, 40, 60, 80, 200])
def width(request: pytest.FixtureRequest) -> int:
    """The columns of a terminal."""
    columns: int = request.param
    return columns


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_rows_fit_the_terminal(text: str, width: int) -> None:
    """Nothing of the text is lost, no row is wider than the terminal, and none begins with a mark."""
    lead = LEAD if width > 40 else "  12  Ada  "
    first, *others = hanging_rows(lead, text, width)
    shown = [first.removeprefix(lead), *others]
    bare = [row.strip("\u2068\u2069 ") for row in shown]

    assert max(display_width(row.translate({0x2068: None, 0x2069: None})) for row in (first, *others)) <= width
    assert "".join(bare).replace(" ", "") == text.replace(" ", "")
    assert all(display_width(row[:1]) > 0 for row in bare if row)


def test_a_row_begins_below_the_text() -> None:
    """The later rows are indented to where the text begins, on a narrow terminal by two columns."""
    wide, narrow = (list(hanging_rows(LEAD, TEXTS["words"], columns)) for columns in (80, 50))

    assert {len(row) - len(row.lstrip()) for row in wide[1:]} == {len(LEAD)}
    assert {len(row) - len(row.lstrip()) for row in narrow[1:]} == {2}


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("語", 2),
        ("ｱ", 1),
        ("\uff21", 2),
        ("e\u0301", 1),
        ("नि", 2),
        ("각", 2),
        ("\u1100\u1161\u11a8", 2),
        ("👍", 2),
        ("❤\ufe0f", 1),
        ("a\u200db", 2),
        ("", 0),
    ],
)
def test_the_width_of_a_text(text: str, width: int) -> None:
    """Wide characters take two columns, marks and joiners none."""
    assert display_width(text) == width


def test_joined_emoji_stay_together() -> None:
    """A row does not end within a family, unless it is wider than the row."""
    assert fitting("ab👩‍👩‍👧", 6) == 2
    assert fitting("👩‍👩‍👧", 2) > 0


def test_right_to_left_text_is_isolated_on_a_terminal_alone() -> None:
    """Otherwise position and time beside it would change places."""
    assert list(hanging_rows("  7  ", "שלום", 80)) == ["  7  " + ISOLATE.format("שלום")]
    assert list(hanging_rows("  7  ", "שלום", None)) == ["  7  שלום"]


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes standard output a terminal with so many columns."""

    def use(columns: int) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("chatr.cli.output.columns.sys.stdout.isatty", lambda: True)

    return use


@pytest.fixture
def long_message(new_log: LogFile) -> LogFile:
    """The log of COMMANDS and a message of 250 characters with line feeds and Chinese."""
    text = ("A word or two. 語言 " * 20)[:240] + "\nThe end."
    new_log.append(records_after([*COMMANDS, Post(ADA, text, START + 60 * MINUTE)]))
    return new_log


@pytest.mark.parametrize(
    "command",
    [
        ("log", "--last", "1"),
        ("replay", "--messages", "1"),
        ("explain", "11"),
        ("replay", "--agent", "Ada"),
        ("doctor",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("columns", [20, 60, 100])
def test_the_output_of_commands_fits_the_terminal(
    chatr: Chatr, long_message: LogFile, on_terminal: Callable[[int], None], command: tuple[str, ...], columns: int
) -> None:
    """Long texts go on in rows of their own; what stands before a text is never broken."""
    in_pipe = chatr(*command, "--log", long_message.url)
    on_terminal(columns)
    on_screen = chatr(*command, "--log", long_message.url)

    assert len(on_screen.lines) > len(in_pipe.lines)
    assert max(map(display_width, on_screen.lines)) <= columns


@pytest.mark.parametrize("command", [("log", "--last", "1"), ("log", "--last", "1", "--json")], ids=" ".join)
def test_a_pipe_gets_one_line(chatr: Chatr, long_message: LogFile, command: tuple[str, ...]) -> None:
    """Programs count and cut lines, however long a message is and whatever it holds."""
    assert len(chatr(*command, "--log", long_message.url).lines) == 1
