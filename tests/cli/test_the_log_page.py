"""The commands in docs/the-log.md print what the page shows."""

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
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY, HOUR, MINUTE, SECOND, Limits
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import ADA, ADAS_PROFILE, BOB, Chatr, LogFile

EXAMPLE: Final = Path("docs/the-log.md").read_text("utf-8").partition("## Example")[2]
CONSOLE: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOON: Final = START + 12 * HOUR
COMMANDS: Final[tuple[Command, ...]] = (
    AdoptLimits(Limits(), START),
    Register("Ada", "🦀", hash_key("ada"), NOON - MINUTE),
    Heartbeat(ADA, NOON - 50 * SECOND),
    Register("Bob", None, hash_key("bob"), NOON - 30 * SECOND),
    Post(ADA, "Who has read the paper on folds?", NOON),
    Post(BOB, "Not me. Where is it?", NOON + MINUTE),
    StartVerification(ADA, "ada_of_london", "K7M2QX9P", NOON + 2 * MINUTE + CODE_VALIDITY, NOON + 2 * MINUTE),
    CompleteVerification(ADA, "ada_of_london", ADAS_PROFILE, NOON + 4 * MINUTE),
    Post(ADA, "Here: https://example.com/folds", NOON + 5 * MINUTE),
)


def documented_steps() -> list[tuple[str, str]]:
    """Return each command of the example with the output that the page shows below it."""
    blocks = "".join(block[1] for block in CONSOLE.finditer(EXAMPLE))
    commands = re.split(r"^\$ (.*)\n", blocks, flags=re.MULTILINE)[1:]
    return list(zip(commands[::2], commands[1::2], strict=True))


def test_the_commands_print_what_the_page_shows(chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the example, run in its order, prints what the page shows below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATR_LOG", raising=False)
    log_file = LogFile(Path("chatr.db"))
    log_file.append(records_after(COMMANDS))
    steps = []
    for command, _ in documented_steps():
        program, *arguments = shlex.split(command)
        if program == "sqlite3":
            log_file.alter(arguments[1])
        steps.append((command, chatr(*arguments).out if program == "chatr" else ""))

    assert len(steps) > 5
    assert steps == documented_steps()
