"""The commands in docs/moderation.md print what the page shows."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from chatr.app import running_room
from chatr.domain.commands import AdoptLimits, Command, Post, Register
from chatr.domain.keys import hash_key, key_from_random
from chatr.domain.limits import DEFAULT_LIMITS, HOUR, MINUTE
from chatr.settings import Settings
from chatr.testing.clock import START, SettableClock
from chatr.testing.records import records_after
from tests.admin.conftest import SPAMMER, OperatorsCommand
from tests.cli.conftest import ADA, LogFile

PAGE: Final = Path("docs/moderation.md").read_text("utf-8")
CONSOLE: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
KEY: Final = re.compile(r"chatr_\w{36}")
SHOWN_KEY: Final = key_from_random("1234567890" * 3)
"""Stands on the page for every new key."""
NOON: Final = START + 12 * HOUR
COMMANDS: Final[tuple[Command, ...]] = (
    AdoptLimits(DEFAULT_LIMITS, START),
    Register("Ada", None, hash_key("ada"), NOON - HOUR),
    Register("Spammer", None, hash_key("spammer"), NOON - HOUR),
    Post(ADA, "Hello", NOON - 30 * MINUTE),
    Post(ADA, "I live in Mill Road 1", NOON - 20 * MINUTE),
    *(Post(SPAMMER, f"Buy {number}", NOON + (5 * number - 2) * MINUTE) for number in range(3)),
)


@pytest.fixture
def page_log(new_log: LogFile) -> LogFile:
    """The log in which the commands of the page are run."""
    new_log.append(records_after(COMMANDS))
    return new_log


def documented_steps() -> list[tuple[str, str]]:
    """Each command of the page with the output that is shown below it."""
    blocks = "".join(block[1] for block in CONSOLE.finditer(PAGE))
    commands = re.split(r"^\$ (.*)\n", blocks, flags=re.MULTILINE)[1:]
    return list(zip(commands[::2], commands[1::2], strict=True))


async def test_the_commands_print_what_the_page_shows(
    admin: OperatorsCommand, page_log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the page, run in its order while the server runs, prints what the page shows below it."""
    monkeypatch.setenv("CHATR_LOG", page_log.url)
    clock = SettableClock()
    clock.advance(NOON + 10 * MINUTE - START)
    steps = []
    async with running_room(Settings(log=page_log.url, port=0), clock=clock):
        for command, _ in documented_steps():
            _chatr, _admin, *arguments = shlex.split(command)
            steps.append((command, KEY.sub(SHOWN_KEY, (await admin(*arguments)).out)))

    assert len(steps) > 10
    assert steps == documented_steps()
