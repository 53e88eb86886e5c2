"""The house as it is drawn: floors, sizes, one place for every change of memory."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = sorted(Path("chatr").rglob("*.py"))


def functions(path: Path) -> list[tuple[str, int]]:
    """Name and length of each function, its docstring not counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None and first.end_lineno is not None:
                lines -= first.end_lineno - first.lineno + 1
            found.append((f"{path}:{node.lineno} {node.name}", lines))
    return found


def test_the_floors_hold() -> None:
    """Nobody imports from a floor above, and the domain does no I/O."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_is_read_in_one_go(path: Path) -> None:
    """No file has more than 250 lines, no function more than 40."""
    too_long = [name for name, lines in functions(path) if lines > 40]

    assert (len(path.read_text("utf-8").splitlines()) <= 250, too_long) == (True, [])


def test_memory_changes_in_one_place() -> None:
    """Only the loop that follows the log changes the room of a node; who looks at the past folds a room of its own."""
    own = {Path("chatr/audit.py"), Path("chatr/past.py"), *Path("chatr/testing").rglob("*.py")}
    callers = {path for path in SOURCES if "room.apply(" in path.read_text("utf-8")}

    assert callers - own == {Path("chatr/node.py")}


def test_a_silenced_check_says_why() -> None:
    """Whatever silences a check has its reason on the same line."""
    lines = [
        f"{path}: {line.strip()}"
        for path in (*SOURCES, *Path("tests").rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if ("# noqa" in line or "# type: ignore" in line) and " -- " not in line
    ]

    assert [line for line in lines if "test_architecture.py" not in line] == []
