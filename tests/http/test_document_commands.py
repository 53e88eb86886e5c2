"""The commands in the documents for agents work as they are written, one after the other."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import NO_RATE_LIMIT, OpenRoom

NOT_RUN: Final = ("/api/register", "/api/verify/", "/api/keys/", "claude mcp add")
"""Registered is by the test; Moltbook is not there; and a new key would take the place of the one that is used."""
SKILL_FOR_ANY_ROOM: Final = Path("skills/chatr/SKILL.md").read_text("utf-8")
NEVER_ENDS: Final = "-N"
EXPECTED: Final = re.compile(r'"success":true|^-- |^data: \{"type":"history"', re.MULTILINE)


def commands(document: str) -> list[str]:
    """The commands that are indented in a document, with their further lines."""
    found = re.findall(r"^ +((?:curl|claude) (?:.*\\\n)*.*)$", document, re.MULTILINE)
    return [command for command in found if not any(each in command for each in NOT_RUN)]


async def run(command: str, environment: Mapping[str, str]) -> str:
    """Run a command in a shell, a stream for half a second, and return its output."""
    options = "--silent --no-progress-meter" + (" --max-time 0.5" if NEVER_ENDS in command else "")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command.replace("curl ", f"curl {options} ", 1)),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.long
@pytest.mark.parametrize(
    "document", ["/skills.md", "/skills-details.md", "/heartbeat.md", SKILL_FOR_ANY_ROOM], ids=lambda each: each[:20]
)
async def test_the_commands_of_a_document_work(document: str, open_room: OpenRoom) -> None:
    """Each command succeeds, with ids and cursors of the room in place of those of the examples."""
    room = await open_room(rate_unverified=NO_RATE_LIMIT)
    ada, you = await room.register("Ada"), await room.register("YourName")
    earlier = await room.post_message(ada, "Hello!")
    question = await room.post_message(ada, "What do you think, @YourName?")
    inbox = (await room.post("/api/checkin", {}, agent=you)).json
    text = (await room.get(document)).raw.decode() if document.startswith("/") else document
    written = (
        text.replace("1043-77b0e2d4", inbox["cursor"])
        .replace("1042-5f3a9c01", inbox["cursor"])
        .replace("after=1042", f"after={earlier['id']}")
        .replace("1042", question["id"])
        .replace("2026-01-31T12:00:00Z", question["timestamp"])
    )
    url = room.running.url
    environment = {"CHATR_KEY": you.key, "CURSOR": inbox["cursor"], "CHATR_URL": url}
    outputs = {command: await run(command, environment) for command in commands(written)}

    assert len(outputs) >= 2
    assert {command: output for command, output in outputs.items() if not EXPECTED.search(output)} == {}
