"""Invisible characters: how many a text may have in a row, and which ones have to be in pairs.

Formatters of numbers and dates put direction marks around what they make, also two in a row, and programs that fill in
templates isolate what they insert. `tests/domain/formatted/texts.txt` has examples of all locales.
"""

import re
from typing import Final

IGNORED: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: characters that show nothing by themselves."""
SELECTOR: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, which choose a form of the character before them."""
ISOLATE: Final = "\u2066-\u2068"
"""Characters that begin an isolated text. Its direction neither depends on the text around it nor changes that."""
END_OF_ISOLATE: Final = "\u2069"
DEEPEST_ISOLATE: Final = 5
"""How deep isolated texts may be nested: a template that is filled in with others needs no more."""


def isolates_in_pairs(depth: int) -> str:
    """Return the pattern of texts in which every isolate ends, and none is nested deeper than `depth`."""
    inner = f"[{ISOLATE}]{isolates_in_pairs(depth - 1)}{END_OF_ISOLATE}" if depth else ""
    return f"(?:[^{ISOLATE}{END_OF_ISOLATE}]{'|' if inner else ''}{inner})*"


ISOLATES_IN_PAIRS: Final = re.compile(isolates_in_pairs(DEEPEST_ISOLATE))
ANY_ISOLATE: Final = re.compile(f"[{ISOLATE}{END_OF_ISOLATE}]")

BLACK_FLAG: Final = "\U0001f3f4"
# Unicode recommends no other flags of tags for use.
FLAG: Final = re.compile(
    BLACK_FLAG
    + "(?:"
    + "|".join("".join(chr(0xE0000 + ord(char)) for char in name) for name in ("gbeng", "gbsct", "gbwls"))
    + ")\U000e007f"
)
"""The flags of England, Scotland and Wales, which are written with tags: invisible copies of ASCII."""

MONGOLIAN: Final = "\u1820-\u18aa"
NAMES: Final = (
    "(?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca])[\u200c\u200d]{1,3}"
    "|(?<=[\u0e80-\u0eff\u1780-\u17ff])\u200b{1,4}"
    f"|(?<=[{MONGOLIAN}])(?:\u180b{{2}}|\u180e{{1,4}})|\u180e{{1,4}}(?=[{MONGOLIAN}])"
)
"""Invisible characters in names of currencies, time zones, months and regions: joiners after a virama in Kannada and
Odia, spaces without width in Khmer and Lao, and selectors and vowel separators beside letters in Mongolian.
"""
# Formatters of numbers make pairs of direction marks in Arabic, Hebrew and Persian; those of times in Khmer and Odia
# repeat a zero-width space or a zero-width non-joiner.
FEW_MARKS: Final = (
    f"(?:{NAMES}|[\u061c\u200e\u200f]{{1,2}}|\u200b{{2}}|\u200c{{2}}"
    f"|(?![{SELECTOR}{ISOLATE}{END_OF_ISOLATE}])[{IGNORED}])"
)
"""One invisible character, or two that formatters write in a row."""
RUN: Final = (
    f"(?:[{SELECTOR}]?{FEW_MARKS}|[{SELECTOR}])?"  # after a visible character
    f"(?:{END_OF_ISOLATE}{{1,{DEEPEST_ISOLATE}}}{FEW_MARKS}?)?"  # where isolated texts end
    f"(?:[{ISOLATE}]{END_OF_ISOLATE})?"  # of a template that is filled in with nothing
    f"(?:[{ISOLATE}]{{1,{DEEPEST_ISOLATE}}}{FEW_MARKS}?)?"  # where isolated texts begin
)
"""Invisible characters that may follow one another: each of the four parts may be absent."""
ONLY_SHORT_RUNS: Final = re.compile(f"{RUN}(?:(?:{FLAG.pattern}|[^{IGNORED}]){RUN})*")
TWO_IN_A_ROW: Final = re.compile(f"[{IGNORED}]{{2}}")


def has_isolates_in_pairs(text: str) -> bool:
    """Whether every isolated text ends, nothing ends that has not begun, and none is nested too deep."""
    return ANY_ISOLATE.search(text) is None or ISOLATES_IN_PAIRS.fullmatch(text) is not None


def without_flags(text: str) -> str:
    """The text without the tags of the three flags that consist of them."""
    return FLAG.sub(BLACK_FLAG, text)


def has_long_run(text: str) -> bool:
    """Whether a text has more invisible characters in a row than any writing needs. They could carry hidden text."""
    # TWO_IN_A_ROW takes a tenth of the time of the other pattern, and finds nothing in nearly all texts.
    return not text.isascii() and TWO_IN_A_ROW.search(text) is not None and ONLY_SHORT_RUNS.fullmatch(text) is None
