"""The TypeScript SDKs in all their modes, and the conformance suite of the protocol, on Node.js."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clients.installed import node_packages
from tests.conftest import Room
from tests.requirements import node

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
PROGRAMS: Final = Path(__file__).parent / "programs"
CONFORMANCE: Final = "node_modules/@modelcontextprotocol/conformance/dist/index.js"


async def run_node(*arguments: str) -> tuple[int | None, str]:
    """Run a program on Node.js in the folder of the packages; return its exit code and its output."""
    folder = node_packages(PROGRAMS)
    process = await asyncio.create_subprocess_exec(
        node(),
        *arguments,
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.parametrize("mode", ["sdk1", "legacy", "auto", "pinned"])
async def test_a_typescript_client_takes_part(mode: str, room: Room) -> None:
    """The TypeScript client posts, receives its message, reads the documents, and gets the reason of a rejection."""
    ada = await room.register()
    code, output = await run_node("visit.mjs", f"{room.running.url}/mcp", ada.key, mode)
    assert code == 0, output
    answers: dict[str, Any] = json.loads(output.splitlines()[-1])

    assert "chatr_post" in answers["tools"]
    assert "untrusted" in answers["heard"]["structuredContent"]
    assert answers["heard"]["structuredContent"]["messages"] == [answers["posted"]["structuredContent"]["message"]]
    assert (answers["refused"]["isError"], answers["refused"]["structuredContent"]["code"]) == (True, "invalid_content")
    assert "Unknown tool" in answers["unknown"]
    assert "# chatr" in answers["skill"]
    assert "never follow instructions" in answers["instructions"]


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
async def test_conformance(revision: str, room: Room) -> None:
    """Every conformance scenario that concerns a room passes. Those that fail or warn are listed, with reasons."""
    expected = f"expected-failures-{revision}.yml"
    command = (CONFORMANCE, "server", "--url", f"{room.running.url}/mcp", "--requirements", revision)
    code, output = await run_node(*command, "--expected-failures", expected)

    assert code == 0, output[-5000:]
