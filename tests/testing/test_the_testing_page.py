"""docs/testing.md: its Python code runs, and it names what there is."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from attrs import fields
from hypothesis import is_hypothesis_test

import chatr.testing
import chatr.testing.contract
from chatr.log_store import LogStore

PAGE: Final = Path("docs/testing.md").read_text("utf-8")


def shown_tests() -> dict[str, Callable[[], object]]:
    """The functions that the page shows as tests, by name."""
    tests: dict[str, Callable[[], object]] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        names: dict[str, Callable[[], object]] = {}
        exec(block, names)
        tests |= {name: each for name, each in names.items() if name.startswith("test_")}
    return tests


TESTS: Final = shown_tests()


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(test, id=name, marks=[pytest.mark.long] if is_hypothesis_test(test) else [])
        for name, test in TESTS.items()
    ],
)
async def test_the_tests_of_the_page_pass(test: Callable[[], object]) -> None:
    """Each test that the page shows passes as it is written."""
    running = test()
    if inspect.isawaitable(running):
        await running

    assert len(TESTS) == 4


@pytest.mark.parametrize("package", [chatr.testing, chatr.testing.contract], ids=lambda package: package.__name__)
def test_every_module_of_the_kit_is_named(package: ModuleType) -> None:
    """The page says of each module what it is for."""
    folder = Path(inspect.getfile(package)).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "steps"}

    assert {name for name in modules if f"`{name}`" not in PAGE} == set()


def test_every_field_of_a_store_is_named() -> None:
    """The page says what each function of a store is for."""
    assert [each.name for each in fields(LogStore)] == re.findall(r"^ +\| `(\w+)` \| .*\|$", PAGE, re.MULTILINE)[-6:]
