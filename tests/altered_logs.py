"""A log of ten records, and the kinds of alterations that are made by hand."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from _pytest.mark import ParameterSet
from attrs import frozen

from chatr.testing.records import records_after
from tests.cli.conftest import COMMANDS

RECORDS: Final = records_after(COMMANDS)
"""The records of the log. That at position 5 is a message of Ada, which begins with "Hello"."""
ALTERED: Final = 5
"""The position that is altered."""

Execute = Callable[[str], object]
"""Runs a statement of SQL in a log's database."""


@frozen
class Alteration:
    """Statements that alter a log, and the first position at which that shows."""

    statements: tuple[str, ...]
    position: int = ALTERED

    def make(self, execute: Execute) -> None:
        """Alter a log."""
        for statement in self.statements:
            execute(statement)


def changing(assignment: str) -> Alteration:
    """An alteration of one column of the record."""
    return Alteration((f"update log set {assignment} where position = {ALTERED}",))


def inserted(position: int) -> str:
    """A statement that inserts a record at `position`, with the time and the hash of another one."""
    columns = "previous, id, type, at, seen, data"
    values = f"0, '00000000-0000-4000-8000-999999999999', type, at, {position - 1}, data"
    return (
        f'insert into log (position, stream, {columns}, "check") '
        f"select {position}, 'agent/nobody', {values}, \"check\" from log where position = 6"
    )


DELETED: Final = Alteration((f"delete from log where position = {ALTERED}",))
REPLACED: Final = Alteration((*DELETED.statements, inserted(ALTERED)))
ADDED: Final = Alteration((inserted(len(RECORDS) + 1),), len(RECORDS) + 1)
MOVED: Final = Alteration(
    (
        "update log set position = -5 where position = 5",
        "update log set position = 5 where position = 9",
        "update log set position = 9 where position = -5",
    )
)
CHANGED: Final = {
    "text": changing("data = replace(data, 'Hello', 'Hallo')"),
    "more text": changing("data = replace(data, '}', ',\"more\":1}')"),
    "time": changing("at = at + 1"),
    "stream": changing("stream = 'agent/nobody'"),
    "previous": changing("previous = 4"),
    "id": changing("id = '00000000-0000-4000-8000-999999999999'"),
    "type": changing("type = 'agent-seen.v1'"),
    "seen": changing("seen = 3"),
    "hash": changing('"check" = (select "check" from log where position = 1)'),
    "order": MOVED,
    "replaced row": REPLACED,
}
"""Alterations after which each record can still be decoded."""
UNREADABLE: Final = {
    "unknown type": changing("type = 'noted.v1'"),
    "no JSON": changing("data = '{'"),
    "no message": changing("data = '[]'"),
}
"""Alterations after which a record cannot be decoded."""
SQLITE_ONLY: Final = {"no UTF-8": changing("data = cast(x'7bff7d' as text)")}
"""Alterations that PostgreSQL does not allow."""
OF_STORED: Final = {**CHANGED, **UNREADABLE, "deleted row": DELETED}
"""Alterations of records that a node had folded before."""


EVERYDAY: Final = ("text", "order", "deleted row")
"""The kinds that are tried with every change where one test has shown all of them."""


def each_of(alterations: Mapping[str, Alteration]) -> list[ParameterSet]:
    """The parameters of a test that is long but for a few kinds of alterations."""
    return [
        pytest.param(each, id=name, marks=[] if name in EVERYDAY else pytest.mark.long)
        for name, each in alterations.items()
    ]


def in_file(path: Path) -> Execute:
    """Run statements in a SQLite file, beside any other program that uses it."""

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(statement)

    return execute
