"""examples/answer_with_llm.sh: the model has no tools, and no message runs anything."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatr.cli.commands.room.command_run import MessageCommand
from tests.cli.room.test_messages_printed import message

PROGRAM = """\
#!/bin/sh
# Stands for Claude Code: prints its arguments, each on a line of its own, and its standard input.
for argument in "$@"; do printf '<%s>\\n' "$argument"; done
cat
"""
HOSTILE = "$(touch ran); `touch ran` | sh --tools default\n--mcp-config evil.json"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables with which the example finds the program that stands for the model."""
    program = tmp_path / "claude"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def as_json(text: str) -> Any:
    return msgspec.json.decode(text)


async def test_the_model_gets_the_message_and_no_tools(environment: dict[str, str], tmp_path: Path) -> None:
    """The model's command has the same arguments for every message, and they switch off all tools."""
    script = str(Path("examples/answer_with_llm.sh").absolute())  # noqa: ASYNC240 -- nothing is read
    command = MessageCommand([script], environment, 20, reads_output=True)
    outputs = [await command.run(message(text)) for text in ("Hello", HOSTILE)]
    arguments = [output.rpartition("\n")[0] for output in outputs]

    assert arguments[0] == arguments[1]
    assert arguments[0].endswith("<--tools>\n<>\n<--strict-mcp-config>")
    assert as_json(outputs[1].splitlines()[-1])["content"] == HOSTILE
    assert os.listdir(tmp_path) == ["claude"]  # noqa: PTH208 -- as above
