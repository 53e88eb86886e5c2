"""The code is written in standard terms: names and docstrings are understood without a glossary."""

import ast
import re
from functools import cache
from pathlib import Path

from attrs import frozen

EVERYWHERE = sorted(
    path for folder in ("chatr", "tests", "benchmarks", "examples") for path in Path(folder).rglob("*.py")
)
BANNED = frozenset(
    "aside attendance chronicle clothes curious diary door dress dressed entrance glimpse greeter heard house kept "
    "noun nouns patience said silent spoken stranger told unscripted way ways wear worn".split()
)
"""Words of a private language. Each has a standard term: request, admission, listener, snapshot, time-out, message …"""
READING_ORDER = 900
"""Lines that a newcomer reads to know the code, in the order that README gives."""


@frozen
class Definition:
    """A module, class or function: where it stands, its name and its docstring."""

    place: str
    name: str
    docstring: str

    @property
    def words(self) -> set[str]:
        """The words of its name."""
        return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", self.name)}

    @property
    def first_sentence(self) -> str:
        """The docstring up to its first full stop."""
        return re.split(r"\.(?:\s|$)", self.docstring, maxsplit=1)[0]


@cache
def definitions(path: Path) -> list[Definition]:
    """The module itself, then its classes and functions, those inside classes too."""
    module = ast.parse(path.read_text("utf-8"))
    named = (
        node for node in ast.walk(module) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        Definition(str(path), path.stem, ast.get_docstring(module) or ""),
        *(Definition(f"{path}:{node.lineno} {node.name}", node.name, ast.get_docstring(node) or "") for node in named),
    ]


def test_names_are_standard_terms() -> None:
    """No module, class or function is named with a word of a private language."""
    assert [each.place for path in EVERYWHERE for each in definitions(path) if BANNED & each.words] == []


def test_first_sentences_are_plain() -> None:
    """No docstring begins with a sentence that needs a glossary."""
    riddles = [
        f"{each.place}: {each.first_sentence}"
        for path in EVERYWHERE
        for each in definitions(path)
        if BANNED & {word.lower() for word in re.findall("[A-Za-z]+", each.first_sentence)}
    ]

    assert riddles == []


def test_the_reading_order_is_short() -> None:
    """README names the files that a newcomer reads first. They exist, and together are read in one sitting."""
    readme = Path("README.md").read_text("utf-8")
    section = re.search(r"<!-- reading order -->\n(.*?)<!-- /reading order -->", readme, re.DOTALL)
    assert section is not None
    files = [Path(name) for name in re.findall(r"`(chatr/[\w/]+\.py)`", section[1])]

    assert len(files) >= 5
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) <= READING_ORDER
