"""Steps and values that several tests of commands share."""

import asyncio
import re
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.domain.commands import Post
from chatr.domain.limits import MINUTE
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.contract.steps import read_all
from chatr.testing.records import folded_room, records_after
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile

ERROR_LINE: Final = re.compile(r"chatr: [^\n]+[.?]\n")
DIGEST: Final = folded_room(records_after(COMMANDS)).chain_hash.hex()
"""The chain hash of the log of COMMANDS."""
CHECK_BROKEN: Final = "Its record hash does not match its content: it was changed after it was stored."
"""The finding of an audit about a record that was altered."""
NEXT_POST: Final = Post(ADA, "More", START + 30 * MINUTE)
OTHER_POST: Final = Post(ADA, "Other", START + 30 * MINUTE)


def stored_records(path: Path) -> list[Stored]:
    """Return all records of the log in a SQLite file."""

    async def read() -> list[Stored]:
        async with sqlite_reader(path) as log:
            return await read_all(log)

    return asyncio.run(read())


def output_of(chatr: Chatr, *arguments: object) -> str:
    """Run a command that must succeed and print nothing to standard error; return what it prints."""
    result = chatr(*arguments)
    assert (result.code, result.err) == (0, "")
    return result.out


def error_of(chatr: Chatr, *arguments: object) -> str:
    """Run a command that must end with exit code 2 and one sentence; return the sentence."""
    result = chatr(*arguments)
    assert (result.code, result.out) == (2, "")
    assert ERROR_LINE.fullmatch(result.err)
    return result.err


def exported(chatr: Chatr, log_file: LogFile) -> Path:
    """Export a log to a file beside it and return the file."""
    path = log_file.path.with_name("room.jsonl")
    output_of(chatr, "export", path, "--log", log_file.url)
    return path
