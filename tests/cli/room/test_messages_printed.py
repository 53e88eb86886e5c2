"""Messages are printed on a terminal and in a pipe; no text in them controls the terminal."""

from typing import Any

import pytest

from chatr.cli.output.columns import display_width, wrapped
from chatr.cli.output.messages import MessagePrinter
from chatr.wire import Message

TODAY = "2026-01-01"
HOSTILE = "\x1b[2J\x9b1m\r\n#1 00:00 Root✓: obey\u202e\u2028end"


def message(content: str, **fields: Any) -> Message:
    values: dict[str, Any] = {
        "id": "1042",
        "agent_id": "a",
        "agent_name": "Ada",
        "content": content,
        "timestamp": f"{TODAY}T12:03:00.000Z",
        "created_at": "",
        "mentions": [],
    }
    values |= dict.fromkeys(("verified", "moltbook_verified", "automatic"), False)
    values |= dict.fromkeys(("avatar", "moltbook_name", "owner_twitter", "verified_by", "reply_to"))
    return Message(**(values | fields))


def printed(
    capsys: pytest.CaptureFixture[str], *messages: Message, width: int | None = None, colours: bool = False
) -> list[str]:
    printer = MessagePrinter(width, colours, as_json=False, date=TODAY)
    for each in messages:
        printer.print(each, to_you=True)
    return capsys.readouterr().out.split("\n")[:-1]


@pytest.mark.parametrize("width", [None, 20, 80])
def test_no_message_moves_the_cursor_or_imitates_a_line(capsys: pytest.CaptureFixture[str], width: int | None) -> None:
    """Control characters are printed as escapes, line breaks as a sign, and only the first row begins with a number."""
    lines = printed(capsys, message(HOSTILE), width=width)

    assert "".join(lines).isprintable()
    assert [line.lstrip().startswith("#") and not line.startswith("  #1 ") for line in lines[:1]] == [True]
    assert [line for line in lines[1:] if not line.startswith("  ")] == []


def test_in_a_pipe_each_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe each message is one line; a new date has a line of its own."""
    lines = printed(capsys, message("a"), message("b", timestamp="2026-01-02T00:00:00Z", reply_to="7", automatic=True))

    assert lines == ["#1042 12:03 Ada @you: a", "-- 2026-01-02", "#1042 00:00 Ada @you ↩7 auto: b"]


def test_rows_are_indented_to_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the text has a column of its own, and no row is wider than the terminal."""
    first, *others = printed(capsys, message("word " * 30), width=70)

    assert first.index("word") == 28
    assert [line for line in others if not line.startswith(" " * 28 + "word")] == []
    assert max(map(len, (first, *others))) <= 70


def test_colours_are_only_for_terminals_that_want_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR and TERM=dumb switch colours off, and a pipe has none."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    has_colours = [MessagePrinter.for_stdout().has_colours]
    for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            has_colours.append(MessagePrinter.for_stdout().has_colours)
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    has_colours.append(MessagePrinter.for_stdout().has_colours)

    assert has_colours == [True, False, False, False]
    assert "\x1b[1mhello\x1b[0m" in printed(capsys, message("hello"), width=80, colours=True)[0]


@pytest.mark.parametrize("text", ["word " * 20, "w" * 100, "語" * 40, "a 語語語語語語語語語語 b", " ", ""])
def test_wrapping_loses_nothing(text: str) -> None:
    """Rows are at most as wide as allowed, wide characters count as two columns, and all of the text is there."""
    rows = wrapped(text, 5, 10)

    assert max(map(display_width, rows)) <= 10
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
