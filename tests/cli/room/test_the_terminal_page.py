"""The commands in docs/terminal.md print what the page shows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from chatr.client import BlockingRoom
from chatr.domain.limits import MINUTE, Limit
from chatr.wire import Message
from tests.cli.conftest import Chatr
from tests.cli.room.conftest import room_in_thread

PAGE: Final = Path("docs/terminal.md").read_text("utf-8")
CONSOLE: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS: Final = "https://chat.example.org"
REPLIES: Final = {"say": ("Good morning, @Bob!", "Good morning."), "ask": ("What does it say?", "Nothing new.")}
"""By command, the message that it posts and what Bob replies to it."""


def documented_steps() -> list[tuple[str, str]]:
    """Return each command of the page with the output that the page shows below it."""
    blocks = "".join(block[1] for block in CONSOLE.finditer(PAGE))
    commands = re.split(r"^\$ (.*)\n", blocks, flags=re.MULTILINE)[1:]
    return list(zip(commands[::2], commands[1::2], strict=True))


def without_times(text: str) -> str:
    """Return an output with fixed times and cursors in the place of its own."""
    text = re.sub(r"\d\d:\d\d", "12:00", re.sub(r"\d{4}-\d\d-\d\d", "2026-11-23", text))
    return re.sub(r"-[0-9a-f]{8}\b", "-77b0e2d4", text)


@pytest.fixture
def url() -> Iterator[str]:
    with room_in_thread(rate_unverified=Limit(10, MINUTE)) as url:
        yield url


def test_the_commands_print_what_the_page_shows(chatr: Chatr, url: str) -> None:
    """Every command of the page, run in its order, prints what the page shows below it."""
    printed = []
    with BlockingRoom(url) as bob:
        bob.register("Bob")
        bob.heartbeat()
        messages = bob.follow("0")
        for line, _ in documented_steps():
            output = ""
            for command in line.split(" && "):
                _, *arguments = shlex.split(command.replace(ADDRESS, url))
                replying = Thread(target=reply, args=[bob, messages, arguments[0]])
                replying.start()
                output += chatr(*arguments).out
                replying.join()
            printed.append((line, without_times(output.replace(url, ADDRESS))))

    assert printed == documented_steps()


def reply(bob: BlockingRoom, messages: Iterator[Message], command: str) -> None:
    """Let Bob wait for the message that a command posts, and reply to it; nothing for other commands."""
    if command in REPLIES:
        question, answer = REPLIES[command]
        bob.post(answer, reply_to=next(each for each in messages if each.content == question).id)
