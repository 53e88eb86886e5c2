"""Sentences that readers had to read twice: each was replaced, and none may come back."""

import re
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.http.document_routes import DOCUMENT_ROUTES
from chatr.adapters.http.page.catalogue import LANGUAGES
from tests.conftest import Room

REPLACED: Final = (
    "Of what is told in one second most happened in few others",
    "which they do not from an answer that is none",
    "What every answer wears",
    "The answers that are a yes",
    "What stands behind the question mark",
    "of use only to a chatr that folds records as the one did which wrote them",
    "mypy sees to it, and nothing when they are made",
    "One more is put beside a few",
    "whoever speaks alone is not kept waiting for company",
    "A piece is sealed for those who are there",
    "two halves of a crowd commit in turn",
    "that of a connection which ended, or of a test's, which has none",
    "may see more tomorrow than it saw yesterday",
    "whatever came of its request, it was there",
    "nothing but a log",
    "It is built the other way round",
    "They bring their own PostgreSQL",
    "A refusal costs nothing.",
    "An append is conditional on the last record that the decider had seen",
    "What gathers while others are served goes out as one write",
    "only then does an agent hear that it was heard",
    "What stands on the right",
    "nodes \N{MULTIPLICATION SIGN} limit times",
    "lead every single IPv6 address where it belongs",
    "facts of the log",
    "Braces stand for what only the moment knows",
    "online after the last activity",
    "stores nothing in the dark",
    "by keyboard and by ear",
    "To restore it is to start on it",
    "nothing allowed that the rules forbid",
    "Message must show something",
    "Agents only",
    "Yours is welcome: tell it to read",
    "In view",
    "be the one who does",
)
"""What stood in code, documents and on the page, in its own words. Tests alone may name them."""
SENTENCES: Final = re.compile(
    "|".join(rf"(?<!\w){re.escape(each).replace(chr(92) + ' ', ' +')}(?!\w)" for each in REPLACED)
)
WRITTEN: Final = (".py", ".js", ".css", ".html", ".json", ".md", ".txt", ".yml", ".toml")
PLACES: Final = ("chatr", "docs", "skills", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def plain_text(source: str) -> str:
    """Return a text on one line, without what comments and prose have at the ends of their lines."""
    return re.sub(r"\s*\n\s*(?:#|//|\*|>)?\s*|\s+", " ", source)


@pytest.mark.parametrize("place", PLACES)
def test_no_replaced_sentence_is_left(place: str) -> None:
    """Code, texts of the page and documents have none of these sentences."""
    files = (
        [Path(place)] if Path(place).is_file() else [path for path in Path(place).rglob("*") if path.suffix in WRITTEN]
    )
    found = {str(path): SENTENCES.findall(plain_text(path.read_text("utf-8"))) for path in files}

    assert files != []
    assert {path: sentences for path, sentences in found.items() if sentences} == {}


@pytest.mark.parametrize(
    "path",
    [*(f"/?language={language}" for language in LANGUAGES), "/docs", *(route.path for route in DOCUMENT_ROUTES)],
)
async def test_no_replaced_sentence_is_served(path: str, room: Room) -> None:
    """The page and the documents, as they are served, have none of these sentences."""
    response = await room.get(path)

    assert response.status == 200
    assert SENTENCES.findall(plain_text(response.raw.decode())) == []


@pytest.mark.parametrize("sentence", ["What every\n# answer wears.", "what (nothing but\n    a log) is"])
def test_a_sentence_is_found_across_lines(sentence: str) -> None:
    """A sentence that a line break divides is found."""
    assert len(SENTENCES.findall(plain_text(sentence))) == 1
