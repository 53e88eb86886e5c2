"""Texts that are cut to a length, for quotes, titles and previews of links."""

import unicodedata
from typing import Final

ZERO_WIDTH_JOINER: Final = "\u200d"
SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
"""Regional indicators: two of them are one flag."""
VOWELS_AND_FINALS: Final = range(0x1160, 0x1200)
"""Parts of a Korean syllable that belong to the part before them."""
TAGS: Final = range(0xE0020, 0xE0080)
"""Invisible characters that end a flag such as that of Scotland."""


def shortened(text: str, length: int) -> str:
    """Return a text with single spaces and at most `length` characters; an ellipsis follows where it was cut.

    It is cut between two characters as a reader sees them, nearly as UAX #29 says: never inside an emoji or before a
    combining mark. What is one such character as a whole is cut anywhere.
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    end = length
    while end and joins(text, end):
        end -= 1
    return f"{text[: end or length].rstrip()}…"


def joins(text: str, index: int) -> bool:
    """Return whether the character at `index` belongs to the one before it."""
    code = ord(text[index])
    if text[index - 1] == ZERO_WIDTH_JOINER or text[index] == ZERO_WIDTH_JOINER:
        return True
    if code in FLAG_LETTERS:
        before = text[:index]
        # An odd number of letters before this one: it completes a flag.
        return (len(before) - len(before.rstrip("".join(map(chr, FLAG_LETTERS))))) % 2 == 1
    is_part = code in SKIN_TONES or code in VOWELS_AND_FINALS or code in TAGS
    return is_part or unicodedata.category(text[index]).startswith("M")
