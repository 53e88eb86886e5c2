"""Finds out what is left of erased texts in files, and creates logs from which texts are harder to erase."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib.resources import as_file
from pathlib import Path
from random import Random
from typing import Any, Final

from chatr.adapters.stores.migrations import bundled_migrations
from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.testing.contract.steps import new_draft

WINDOW: Final = 6
"""Bytes of a text that count as a part of it that was left."""
LETTERS: Final = "GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz!#$%&*+,-./:;<=>?@^_|~"
"""So many that six of a text are in no other one, nor in an id."""


def random_text(length: int, seed: int = 0) -> str:
    """Return a JSON string in which nothing repeats."""
    return f'"{"".join(Random(seed).choices(LETTERS, k=length))}"'


def windows_of(content: bytes) -> set[bytes]:
    """Return all runs of six bytes in `content`."""
    return {content[begin : begin + WINDOW] for begin in range(len(content) - WINDOW + 1)}


def texts_left(texts: Iterable[str], folder: Path) -> list[str]:
    """Return the texts of which any six bytes are in a file of `folder`."""
    left = set[bytes]().union(*(windows_of(file.read_bytes()) for file in folder.iterdir()))
    # Without the quotation marks around a text.
    return [text for text in texts if left & windows_of(text.strip('"').encode())]


async def append_text(log: SqliteLog, text: str) -> int:
    """Append a record with this text, and return its position."""
    return (await log.append(new_draft(data=text), expected=0)).position


class DefaultDeletion(sqlite3.Connection):
    """A connection of an older chatr, in a build of SQLite that does not overwrite what it deletes."""

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        """Execute a statement, but leave `secure_delete` off."""
        return super().execute(statement.replace("secure_delete = on", "secure_delete = off"), *arguments)


@asynccontextmanager
async def older_log(path: Path) -> AsyncIterator[SqliteLog]:
    """Create a log as an older chatr did: it could not erase."""
    with as_file(bundled_migrations() / "sqlite") as bundled:
        shutil.copytree(bundled, path.parent / "migrations" / "sqlite")
    script = path.parent / "migrations" / "sqlite" / "0001_log.sql"
    lines = script.read_text("utf-8").splitlines(keepends=True)
    script.write_text("".join(line for line in lines if "application_id" not in line), "utf-8")
    async with sqlite_log(path, migrations=path.parent / "migrations", factory=DefaultDeletion) as log:
        yield log
    shutil.rmtree(path.parent / "migrations")
