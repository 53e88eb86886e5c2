"""What formatters of numbers, dates, times, lists and names make is accepted in every locale."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatr.domain.invisible import IGNORED, SELECTOR, has_long_run
from chatr.domain.text import is_clean, normalize
from tests.requirements import node

FOLDER: Final = Path(__file__).parent / "formatted"
TEXTS: Final = [json.loads(line.split(" ", 2)[2]) for line in (FOLDER / "texts.txt").read_text().splitlines()]
TEMPLATES: Final = [
    "{}",
    "= {}",
    "{} {}\n{}",
    "({}; {})",
    "\u2068{}\u2069",
    "\u2067{}\u2069\u2066{}\u2069",
    "a\u2068b \u2068{}\u2069\u2069",
]
"""Texts that are filled in, with isolates as libraries of messages put them around what they insert."""

OLD_RUN: Final = re.compile(f"(?![{SELECTOR}])[{IGNORED}][{IGNORED}]|[{SELECTOR}]{{2}}")
OLD_FORBIDDEN: Final = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
INVISIBLE: Final = [chr(code) for code in range(0xE0200) if re.match(f"[{IGNORED}]", chr(code))]
ANY_TEXT: Final = st.text(st.sampled_from("ab \n\U0001f3f4❤🦀") | st.sampled_from(INVISIBLE), max_size=12)


def is_accepted(text: str) -> bool:
    """Whether the rules about the characters of a message accept it."""
    return is_clean(text) and not has_long_run(text)


def test_every_recorded_text_is_accepted() -> None:
    """Amounts, units, dates, times, durations, lists and names of all locales are accepted, as they are and in NFC."""
    assert [text for text in TEXTS if not (is_accepted(text) and is_accepted(normalize(text)))] == []


@given(st.sampled_from(TEMPLATES), st.lists(st.sampled_from(TEXTS), min_size=3, max_size=3))
def test_what_is_filled_in_is_accepted(template: str, texts: list[str]) -> None:
    """Texts of formatters are accepted in sentences, on several lines, and isolated."""
    assert is_accepted(template.format(*texts))


@pytest.mark.long
@pytest.mark.parametrize("locale", ["he", "ar", "fa", "ckb", "sd", "ur-IN", "km", "kn", "or", "syr"])
def test_the_formatters_of_this_node_are_accepted(locale: str) -> None:
    """Whatever the version of Unicode's locale data, what Node makes of it is accepted."""
    command = [node(), str(FOLDER / "formatters.mjs"), locale]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    texts = [json.loads(line.split(" ", 2)[2]) for line in lines if line]

    assert [text for text in texts if not is_accepted(text)] == []


@example("❤\ufe0f\u200f")
@given(ANY_TEXT)
def test_what_older_versions_accepted_is_accepted(text: str) -> None:
    """A text that an older version has stored is judged as then."""
    if OLD_RUN.search(text) is None and OLD_FORBIDDEN.search(text) is None:
        assert is_accepted(text)


@given(ANY_TEXT)
def test_an_accepted_text_affects_nothing_around_it(text: str) -> None:
    """A text that is accepted has no isolate that ends outside of it, and holds no tag but those of the flags."""
    if is_accepted(text):
        depth = 0
        for char in text:
            depth += (char in "\u2066\u2067\u2068") - (char == "\u2069")

            assert depth >= 0
        assert depth == 0
        assert text.count("\U000e007f") <= text.count("\U0001f3f4")
