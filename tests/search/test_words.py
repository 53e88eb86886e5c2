"""The rule for words, by which texts are indexed and queries are read."""

import sqlite3
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.search.index_file import IndexFile
from chatr.adapters.search.words import WIDE, match_expression, separate_wide
from chatr.search_types import (
    SEARCH_CHARACTERS,
    SEARCH_WORDS,
    IndexedUntil,
    NothingToSearch,
    SearchRange,
    SearchTooLong,
)

TEXTS = (
    "Hello world, hello!",
    "Ein Café in Zürich",
    "我喜欢用中文写程序",
    "สวัสดีชาวโลก",
    "今日はいい天気ですね",
    "party 🎉🎉 now",
    "مرحبا بالعالم",
    "Привет, мир",
    "snake_case and kebab-case at https://example.org/a?b=c",
    'it is "quoted" AND NEAR(things) OR NOT content:this * ^ - +',
    "x2 version 3.14",
)


def found(texts: list[str], query: str) -> list[int]:
    """The numbers of the texts that a real index finds."""
    index = IndexFile(None)
    try:
        index.add(list(enumerate(texts, 1)), IndexedUntil())
        return index.find(query, SearchRange(0, 1_000, ascending=True), 100, 5, lambda _: True)
    finally:
        index.close()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("hello", [1]),
        ("HELLO World", [1]),
        ("world hello", [1]),
        ("hell", []),
        ("cafe", [2]),
        ("CAFÉ zurich", [2]),
        ("cafe\u0301", [2]),
        ("中", [3]),
        ("中文", [3]),
        ("文中", []),
        ("中文 程序", [3]),
        ("用中文写", [3]),
        ("ชาว", [4]),
        ("天気", [5]),
        ("🎉", [6]),
        ("party🎉", [6]),
        ("now 🎉", [6]),
        ("بالعالم", [7]),
        ("мир", [8]),
        ("snake", [9]),
        ("snake_case", [9]),
        ("case-and", [9]),
        ("example.org", [9]),
        ("org.example", []),
        ("3.14", [11]),
        ("14", [11]),
    ],
)
def test_what_a_query_finds(query: str, numbers: list[int]) -> None:
    """A query finds words in any order and case, with and without accents, but parts of a word only in their order."""
    assert found(list(TEXTS), query) == numbers


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ('"quoted"', [10]),
        ('quo"ted', []),
        ("quoted AND near", [10]),
        ("hello OR quoted", []),
        ("near(things)", [10]),
        ("content:this", [10]),
        ("rowid:1", []),
        ("-hello", [1]),
        ("+hello", [1]),
        ("^hello", [1]),
        ("hel*", []),
        ("hello*", [1]),
        ("{content}: hello", []),
        ("hello; drop table part", []),
        ("' or 1=1 --", []),
        ("%", None),
        ("hello\x00world", [1]),
        ("\x00", None),
        ("hello\ud800", [1]),
        ("\udfff", None),
        ('"', None),
        ('"""" hello', [1]),
        ("* ( ) : ^ -", None),
        ("", None),
        (" \t\n\u3000", None),
        ("\ufe0f\u200d\u200b", None),
        ("\ufffe hello", [1]),
        ("a" * 10_000, []),
        ("hello " * 1_000, [1]),
        ("(" * 5_000 + "hello", [1]),
        ("\u0301" * 1_000 + "hello", [1]),
    ],
)
def test_a_query_cannot_use_syntax(query: str, numbers: list[int] | None) -> None:
    """Operators, quotes, columns, NUL and lone surrogates in a query are words or ignored, never syntax of FTS5."""
    try:
        result = found(list(TEXTS), query)
    except (NothingToSearch, SearchTooLong):
        result = None

    assert result == numbers


@pytest.mark.parametrize("query", ["", "  ", "???", "... -- !", "\x00", "_"])
def test_a_query_without_words_is_rejected(query: str) -> None:
    """A query needs a letter, a digit or a symbol."""
    with pytest.raises(NothingToSearch):
        match_expression(query)


def test_limits_of_a_query() -> None:
    """A query may have eight different words and 32 wide characters. Repeated words count once."""
    words = [f"w{number}" for number in range(SEARCH_WORDS)]
    most = match_expression(" ".join(words * 3))
    wide = match_expression("中" * SEARCH_CHARACTERS)

    assert most == " ".join(f'"{word}"' for word in words)
    assert wide.count("中") == SEARCH_CHARACTERS
    for query in (" ".join([*words, "more"]), "中" * (SEARCH_CHARACTERS + 1), ".".join(["a"] * 33)):
        with pytest.raises(SearchTooLong):
            match_expression(query)


ALPHABET = "abAB1éÉñö中文字กข🎉★سل .,-_'\"(*:^\n"
SOME_TEXT = st.text(ALPHABET, max_size=12)


def words_of(text: str) -> list[str]:
    """The words of a text, found without FTS5."""
    words, run = [], ""
    for char in normalize("NFD", text):
        if combining(char):
            continue
        is_wide = WIDE.fullmatch(char) is not None
        if char.isalnum() and not is_wide:
            run += char.lower()
            continue
        words += [run] * bool(run) + [char] * is_wide
        run = ""
    return words + [run] * bool(run)


def contains(text: str, query: str) -> bool:
    """Whether a naive scan of the text finds each part of the query."""
    words = words_of(text)
    parts = [part for each in query.split() if (part := words_of(each))]
    return all(
        any(words[start : start + len(part)] == part for start in range(len(words) - len(part) + 1)) for part in parts
    )


@given(st.lists(SOME_TEXT, min_size=1, max_size=20), st.one_of(SOME_TEXT, st.text("ab中文é ", max_size=4)))
def test_a_search_finds_what_a_scan_finds(texts: list[str], query: str) -> None:
    """An index finds exactly the texts in which a naive scan by the same rule finds all words."""
    texts = [normalize("NFC", text) for text in texts]
    try:
        result = found(texts, query)
    except NothingToSearch:
        assert not words_of(query)
        return
    except SearchTooLong:
        return

    assert result == [number for number, text in enumerate(texts, 1) if contains(text, query)]


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3))
def test_any_query_is_valid(query: str, texts: list[str]) -> None:
    """No query causes an error of SQLite."""
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    try:
        found(texts, query)
    except (NothingToSearch, SearchTooLong):
        pass
    except sqlite3.Error as error:
        pytest.fail(str(error))


def test_characters_that_sqlite_rejects_are_left_out() -> None:
    """A text with NUL or lone surrogates, as only an altered log has, is indexed without them."""
    texts = ["one\x00two", "caf\xe9 \ud800 three", "\udcff"]

    assert [found(texts, query) for query in ("two", "cafe three")] == [[1], [2]]


def test_text_in_ascii_is_indexed_as_it_is() -> None:
    """A text in ASCII is indexed unchanged: to prepare it would cost more than to index it."""
    text = "plain text"

    assert separate_wide(text) is text
