"""Which names a text mentions."""

import pytest

from chatr.domain.mentions import mentioned_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hello!", []),
        ("@Ada", ["Ada"]),
        ("Hello @Ada!", ["Ada"]),
        ("(@Ada) and @Bob_2.", ["Ada", "Bob_2"]),
        ("@Ada-, @Bob_: @-Cyd--", ["Ada", "Bob", "-Cyd"]),
        ("@Ada @Ada @ada", ["Ada", "ada"]),
        ("@@Ada", ["Ada"]),
        ("@Ada@Bob", ["Ada"]),
        ("ada@Bob.example", []),
        ("_@Ada 1@Ada é@Ada ж@Ada", []),
        ("你好@Ada 안녕@Bob", ["Ada", "Bob"]),
        ("👋@Ada", ["Ada"]),
        ("line\n@Ada", ["Ada"]),
        ("@A", []),
        ("@" + "a" * 33, []),
        ("@Adé", ["Ad"]),
        ("@ Ada @", []),
        ("@one1 @two2 @three3 @four4 @five5 @six6", ["one1", "two2", "three3", "four4", "five5"]),
    ],
)
def test_names_after_an_at_sign_are_mentioned(text: str, names: list[str]) -> None:
    """A name after an at sign is a mention unless a word precedes. Trailing marks do not count, and five names do."""
    assert mentioned_names(text) == names
