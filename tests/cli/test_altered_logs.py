"""A log that was altered by hand is not exported, copied, backed up or imported: the error names the record."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from chatr.adapters.stores.postgres.log import postgres_log
from chatr.testing.records import log_with
from tests.altered_logs import ALTERED, OF_STORED, RECORDS, SQLITE_ONLY, Alteration, in_file
from tests.cli.conftest import Chatr, LogFile
from tests.cli.steps import error_of, exported, output_of
from tests.postgres import Postgres

ALTERATIONS: Final = OF_STORED | SQLITE_ONLY
COMMANDS: Final[dict[str, Callable[[str, Path], tuple[object, ...]]]] = {
    "export": lambda log, folder: ("export", folder / "room.jsonl", "--log", log),
    "transcript": lambda log, folder: ("export", folder / "room.md", "--transcript", "md", "--log", log),
    "copy": lambda log, folder: ("copy", log, f"sqlite:///{folder}/copy.db"),
    "backup": lambda log, folder: ("backup", folder / "copy.db", "--log", log),
}
"""Arguments of the commands that read a whole log, by the log's URL and the folder of the new file."""


def check_is_refused(chatr: Chatr, command: str, log: str, folder: Path) -> None:
    """Run a command that must end with exit code 2 and a sentence with the position, and leave no file."""
    error = error_of(chatr, *COMMANDS[command](log, folder))

    assert f"Record {ALTERED} " in error
    # What was copied before is kept, so that a copy can be continued; other files do not get their name.
    assert [path.name for path in folder.iterdir() if command != "copy"] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for what commands write."""
    path = tmp_path / "written"
    path.mkdir()
    return path


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
def test_an_altered_log_is_not_exported(chatr: Chatr, log_file: LogFile, folder: Path, alteration: Alteration) -> None:
    """Each kind of alteration ends an export, and no file is left."""
    alteration.make(in_file(log_file.path))

    check_is_refused(chatr, "export", log_file.url, folder)


@pytest.mark.long
@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS)
@pytest.mark.parametrize("command", ["transcript", "copy", "backup"])
def test_an_altered_log_is_not_copied(
    chatr: Chatr, log_file: LogFile, folder: Path, command: str, alteration: Alteration
) -> None:
    """The same holds for every command that reads a whole log."""
    alteration.make(in_file(log_file.path))

    check_is_refused(chatr, command, log_file.url, folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_altered_text_is_not_copied(chatr: Chatr, log_file: LogFile, folder: Path, command: str) -> None:
    """No command that reads a whole log passes an altered text on."""
    OF_STORED["text"].make(in_file(log_file.path))

    check_is_refused(chatr, command, log_file.url, folder)


@pytest.mark.long
@pytest.mark.parametrize("alteration", OF_STORED.values(), ids=OF_STORED)
@pytest.mark.parametrize("command", ["export", "copy"])
def test_an_altered_log_in_postgres_is_not_copied(
    chatr: Chatr, postgres: Postgres, folder: Path, command: str, alteration: Alteration
) -> None:
    """The same holds for a log in PostgreSQL."""
    url = postgres.log()

    async def fill() -> None:
        async with postgres_log(url) as log:
            await log_with(log, RECORDS)

    asyncio.run(fill())
    alteration.make(lambda statement: postgres.execute(statement, url))

    check_is_refused(chatr, command, url, folder)


def test_a_copy_that_is_continued_checks_what_it_has(chatr: Chatr, log_file: LogFile, folder: Path) -> None:
    """Records that were altered in both logs after the first copy are found by the second one."""
    target = LogFile(folder / "copy.db")
    output_of(chatr, "copy", log_file.url, target.url)
    for path in (log_file.path, target.path):
        OF_STORED["text"].make(in_file(path))

    check_is_refused(chatr, "copy", log_file.url, folder)


Lines = list[dict[str, Any]]


def changing(**fields: object) -> Callable[[Lines], Lines]:
    """Change fields of the line of the altered record."""
    return lambda lines: [{**line, **fields} if line.get("position") == ALTERED else line for line in lines]


EDITS: Final[dict[str, Callable[[Lines], Lines]]] = {
    "text": changing(data='{"agent":"","content":"Hi","idempotency_key":null}'),
    "time": changing(at=0),
    "stream": changing(stream="agent/nobody"),
    "previous": changing(previous=0),
    "id": changing(id="00000000-0000-4000-8000-999999999999"),
    "type": changing(type="agent-seen.v1"),
    "seen": changing(seen=0),
    "hash": changing(check="00" * 32),
    "position": changing(position=6),
    "order": lambda lines: [*lines[:4], lines[8], *lines[5:8], lines[4], *lines[9:]],
    "order and positions": lambda lines: [
        *lines[:4], {**lines[8], "position": 5}, *lines[5:8], {**lines[4], "position": 9}, *lines[9:]
    ],
    "deleted line": lambda lines: lines[:4] + lines[5:],
    "deleted line, and the next ones renumbered": lambda lines: [
        *lines[:4], *({**line, "position": line["position"] - 1} for line in lines[5:-1]), {**lines[-1], "count": 9}
    ],
    "line twice": lambda lines: lines[:5] + lines[4:],
}  # fmt: skip
"""Ways to edit the lines of an exported file, each at line 5."""


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_altered_export_is_not_imported(
    chatr: Chatr, log_file: LogFile, folder: Path, edit: Callable[[Lines], Lines]
) -> None:
    """An import ends at the altered line, and no log is created."""
    export = exported(chatr, log_file)
    lines = edit([json.loads(line) for line in export.read_text().splitlines()])
    export.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))

    error = error_of(chatr, "import", export, "--log", f"sqlite:///{folder}/again.db")

    assert any(place in error for place in (f"Record {ALTERED} ", f"Line {ALTERED} ", "should hold 10"))
    assert list(folder.iterdir()) == []
