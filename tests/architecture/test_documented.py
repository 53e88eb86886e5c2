"""The documents match the program and the repository: rules, reference, links, paths, and names of tests."""

import re
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.http.description.reference import rules_table
from chatr.cli.commands.reference import reference
from chatr.domain.limits import DEFAULT_LIMITS

README: Final = Path("README.md").read_text("utf-8")
PATH: Final = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.(?:py|md|toml|yaml|txt|js))`")
"""A path in backticks: something with a slash inside, or a file name. Addresses of endpoints begin with a slash."""
SERVED: Final = {path.name for path in Path("chatr/adapters/http/description/texts").iterdir()}
"""Documents that the server serves, which the documents name by their addresses too."""


def test_readme_shows_the_rules_in_force() -> None:
    """The table in README is what `chatr rules` prints."""
    shown = re.search(r"<!-- chatr rules -->\n(.*?)<!-- /chatr rules -->", README, re.DOTALL)
    assert shown is not None

    assert rules_table(DEFAULT_LIMITS) == shown[1]


def test_the_reference_is_up_to_date() -> None:
    """docs/reference.md is what `chatr reference` prints."""
    assert reference() == Path("docs/reference.md").read_text("utf-8")


def test_links_lead_to_files() -> None:
    """Every relative link in README, CONTRIBUTING and docs leads to a file or folder of the repository."""
    pages = [Path("README.md"), Path("CONTRIBUTING.md"), *Path("docs").rglob("*.md")]
    texts = [(page, re.sub(r"`[^`]*`", "", page.read_text("utf-8"))) for page in pages]
    links = [(page, link) for page, text in texts for link in re.findall(r"\]\(([^)#:]+)\)", text)]

    assert [(page, link) for page, link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_paths_in_backticks_exist(page: str) -> None:
    """Every path that the page names in backticks exists. It may lack its beginning or the ending `.py`."""
    existing = {str(path) for folder in ("chatr", "tests", "benchmarks") for path in Path(folder).rglob("*")}
    named = {path.removesuffix("/") for path in PATH.findall(Path(page).read_text("utf-8"))} - SERVED
    missing = [
        path
        for path in sorted(named)
        if not Path(path).exists() and not any(each.endswith((f"/{path}", f"/{path}.py")) for each in existing)
    ]

    assert named
    assert missing == []


def test_every_decision_is_listed() -> None:
    """docs/decisions/README.md lists every page of its folder."""
    listed = set(re.findall(r"\]\((\S+\.md)\)", Path("docs/decisions/README.md").read_text("utf-8")))

    assert {page.name for page in Path("docs/decisions").glob("*.md")} - {"README.md"} == listed


@pytest.mark.parametrize("page", ["docs/decisions/threats.md", "docs/reliability.md"])
def test_named_tests_exist(page: str) -> None:
    """The tests that the page names by file and function exist."""
    named, file = [], ""
    for name in re.findall(r"`((?:\w+/)?test_\w+(?:\.py)?)`", Path(page).read_text("utf-8")):
        file = name if name.endswith(".py") else file
        named.append((file, "" if name == file else f"def {name}("))

    assert [(path, text) for path, text in named if text not in (Path("tests") / path).read_text("utf-8")] == []
