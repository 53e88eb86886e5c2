"""Defines what a word is, for the texts that are indexed and for queries.

A word is a run of letters and digits; case and accents do not matter. Each character of a script that is written
without spaces, and each symbol, is a word of its own, so that it is found wherever it stands.
"""

import re
from typing import Final
from unicodedata import normalize

from chatr.search_types import SEARCH_CHARACTERS, SEARCH_WORDS, NothingToSearch, SearchTooLong

TOKENIZER: Final = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
"""The FTS5 tokenizer for this rule. It expects text that `separate_wide` has prepared."""
WIDE: Final = re.compile(
    "(["
    "\xa6\xa9\xae\xb0\u2100-\u214f\u2190-\u2bff\u2e80-\u2fdf"  # symbols
    "\u0e00-\u109f\u1780-\u17ff\u1950-\u1aaf\u1b00-\u1b7f\ua980-\ua9ff\uaa60-\uaadf"  # Thai to Myanmar, Khmer, Javanese
    "\u3000-\u33ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"  # Japanese and Chinese
    "\ufffc\ufffd\U0001d000-\U0001d3ff\U0001f000-\U0003ffff"  # emoji, and rare Chinese
    "])"
)
"""Characters that are words of their own: those of scripts that are written without spaces, and symbols."""
LETTERS: Final = re.compile(r"[^\W_]+")
# SQLite rejects lone surrogates, and ends a text at NUL.
NOT_SEARCHED: Final = re.compile("[\x00\ud800-\udfff]")


def separate_wide(text: str) -> str:
    """Put spaces around each character of `WIDE`, because FTS5 takes a run of letters for one word."""
    if text.isascii():
        return text.replace("\x00", " ")
    return WIDE.sub(r" \1 ", NOT_SEARCHED.sub(" ", text))


def match_expression(query: str) -> str:
    """The FTS5 expression for messages that contain every word of `query`. Raises NothingToSearch or SearchTooLong.

    Each word is quoted, so that no character of the query is taken for FTS5's syntax.
    """
    # Messages are stored in NFC.
    given = dict.fromkeys(normalize("NFC", NOT_SEARCHED.sub(" ", query)).split())
    words = [word for word in given if LETTERS.search(word) or WIDE.search(word)]
    if not words:
        raise NothingToSearch
    # A word such as `a.b.c` is a phrase, and so is a run of wide characters. Each part of a phrase costs time.
    text = " ".join(words)
    wide, parts = len(WIDE.findall(text)), len(LETTERS.findall(WIDE.sub(" ", text)))
    if len(words) > SEARCH_WORDS or max(wide, parts) > SEARCH_CHARACTERS:
        raise SearchTooLong
    return " ".join('"' + separate_wide(word).replace('"', '""') + '"' for word in words)
