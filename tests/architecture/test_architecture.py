"""The architecture: import contracts, sizes, one place where memory changes."""

import ast
import subprocess
import sys
from pathlib import Path

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


def test_import_contracts_hold() -> None:
    """No module imports from a layer above its own, and the domain does no I/O."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_files_and_functions_are_short() -> None:
    """No file has more than 250 lines, no function more than 40 beside its docstring."""
    files = [str(path) for path in SOURCES if len(path.read_text("utf-8").splitlines()) > 250]

    assert files + [name for path in SOURCES for name, lines in functions(path) if lines > 40] == []


def test_memory_changes_in_one_place() -> None:
    """Records are applied to a room in one function, `fold`; audit judges each record and applies it by itself."""
    own = {Path("chatr/past/audit.py"), *Path("chatr/testing").rglob("*.py")}
    callers = {path for path in SOURCES if "room.apply(" in path.read_text("utf-8")}

    assert callers - own == {Path("chatr/fold.py")}


def test_silenced_checks_give_a_reason() -> None:
    """Every comment that silences a check has its reason on the same line."""
    lines = [
        f"{path}: {line.strip()}"
        for path in (*SOURCES, *Path("tests").rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if ("# noqa" in line or "# type: ignore" in line) and " -- " not in line
    ]

    assert [line for line in lines if "test_architecture.py" not in line] == []
