"""The story in docs/the-log.md is what really happens."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Post,
    Register,
    StartVerification,
)
from chatr.domain.keys import digest_of
from chatr.domain.limits import CODE_VALID, HOUR, MINUTE, SECOND, Limits
from chatr.testing.clock import START
from chatr.testing.records import accepted
from tests.cli.conftest import ADA, BOB, COUNTESS, Chatr, File

STORY: Final = Path("docs/the-log.md").read_text("utf-8").partition("## A story")[2]
CONSOLE: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOON: Final = START + 12 * HOUR
PAST: Final[tuple[Command, ...]] = (
    AdoptLimits(Limits(), START),
    Register("Ada", "🦀", digest_of("ada"), NOON - MINUTE),
    Heartbeat(ADA, NOON - 50 * SECOND),
    Register("Bob", None, digest_of("bob"), NOON - 30 * SECOND),
    Post(ADA, "Who has read the paper on folds?", NOON),
    Post(BOB, "Not me. Where is it?", NOON + MINUTE),
    StartVerification(ADA, "ada_of_london", "K7M2QX9P", NOON + 2 * MINUTE + CODE_VALID, NOON + 2 * MINUTE),
    CompleteVerification(ADA, "ada_of_london", COUNTESS, NOON + 4 * MINUTE),
    Post(ADA, "Here: https://example.com/folds", NOON + 5 * MINUTE),
)


def steps() -> list[tuple[str, str]]:
    """Each command in the story, and what is printed below it."""
    blocks = "".join(block[1] for block in CONSOLE.finditer(STORY))
    commands = re.split(r"^\$ (.*)\n", blocks, flags=re.MULTILINE)[1:]
    return list(zip(commands[::2], commands[1::2], strict=True))


def test_the_story_is_true(chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command prints what the page shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATR_LOG", raising=False)
    file = File(Path("chatr.db"))
    file.write(accepted(PAST))
    told = []
    for command, _ in steps():
        program, *arguments = shlex.split(command)
        if program == "sqlite3":
            file.alter(arguments[1])
        told.append((command, chatr(*arguments).out if program == "chatr" else ""))

    assert told == steps()
