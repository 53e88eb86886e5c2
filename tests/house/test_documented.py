"""The documents say what the program does."""

import re
from pathlib import Path

import pytest

from chatr.adapters.http.reference import rules
from chatr.cli.rules import reference
from chatr.domain.limits import Limits

README = Path("README.md").read_text("utf-8")


def test_the_rules_in_the_readme_are_those_enforced() -> None:
    """README shows what `chatr rules` prints."""
    shown = re.search(r"<!-- chatr rules -->\n(.*?)<!-- /chatr rules -->", README, re.DOTALL)
    assert shown is not None

    assert rules(Limits()) == shown[1]


def test_the_reference_is_what_the_program_prints() -> None:
    """Every setting, endpoint, rule and refusal stands in docs/reference.md as it is enforced."""
    assert reference() == Path("docs/reference.md").read_text("utf-8")


def test_the_links_lead_somewhere() -> None:
    """What README and the docs link to inside the repository exists."""
    pages = [Path("README.md"), Path("CONTRIBUTING.md"), *Path("docs").rglob("*.md")]
    texts = [(page, re.sub(r"`[^`]*`", "", page.read_text("utf-8"))) for page in pages]
    links = [(page, link) for page, text in texts for link in re.findall(r"\]\(([^)#:]+)\)", text)]

    assert [(page, link) for page, link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed() -> None:
    """The list of decisions names every page."""
    listed = set(re.findall(r"\]\((\S+\.md)\)", Path("docs/decisions/README.md").read_text("utf-8")))

    assert {page.name for page in Path("docs/decisions").glob("*.md")} - {"README.md"} == listed


@pytest.mark.parametrize("page", ["docs/decisions/threats.md", "docs/reliability.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    """The pages of threats and of promises name tests by file and function, and they are there."""
    named, file = [], ""
    for name in re.findall(r"`((?:\w+/)?test_\w+(?:\.py)?)`", Path(page).read_text("utf-8")):
        file = name if name.endswith(".py") else file
        named.append((file, "" if name == file else f"def {name}("))

    assert [each for each in named if each[1] not in (Path("tests") / each[0]).read_text("utf-8")] == []
