"""What the tests of moving logs do again and again."""

import asyncio
import re
from pathlib import Path
from typing import Final

from chatr.adapters.sqlite import sqlite_reader
from chatr.domain.commands import Post
from chatr.domain.limits import MINUTE
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.contract.steps import everything
from chatr.testing.records import accepted, folded
from tests.cli.conftest import ADA, PAST, Chatr, File

SENTENCE: Final = re.compile(r"chatr: [^\n]+\.\n")
HEAD: Final = folded(accepted(PAST)).head.hex()
MORE: Final = Post(ADA, "More", START + 30 * MINUTE)
OTHER: Final = Post(ADA, "Other", START + 30 * MINUTE)


def stored(path: Path) -> list[Stored]:
    async def read() -> list[Stored]:
        async with sqlite_reader(path) as log:
            return await everything(log)

    return asyncio.run(read())


def done(chatr: Chatr, *arguments: object) -> str:
    """What a command says that succeeds; in a pipe there is no bar, and nothing else on the side."""
    run = chatr(*arguments)
    assert (run.code, run.err) == (0, "")
    return run.out


def refused(chatr: Chatr, *arguments: object) -> str:
    """The sentence with which a command is refused."""
    run = chatr(*arguments)
    assert (run.code, run.out) == (2, "")
    assert SENTENCE.fullmatch(run.err)
    return run.err


def exported(chatr: Chatr, file: File) -> Path:
    path = file.path.with_name("room.jsonl")
    done(chatr, "export", path, "--log", file.url)
    return path
