"""docs/agents.md has valid configurations, which people paste into their clients."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from chatr.cli.main import build_parser

PAGE: Final = Path("docs/agents.md").read_text("utf-8")
ROOM: Final = "https://chat.example.org"


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def servers() -> list[dict[str, Any]]:
    """Return the entries for the room in all configurations."""
    documents = [*map(json.loads, blocks("json")), *map(tomllib.loads, blocks("toml"))]
    lists = [
        document[key] for document in documents for key in ("mcpServers", "servers", "mcp_servers") if key in document
    ]
    return [each["chatr"] for each in lists]


def test_every_configuration_leads_to_the_room() -> None:
    """Each configuration in the document is valid, and contains the address of MCP and the place of the key."""
    addresses = [server.get("url") or server.get("httpUrl") or server["args"][-1] for server in servers()]

    assert len(addresses) == 6
    assert set(addresses) == {f"{ROOM}/mcp", ROOM}
    assert all("CHATR_KEY" in str(server) or "chatr-key" in str(server) for server in servers())


def test_the_program_is_started_with_its_arguments() -> None:
    """`chatr mcp` accepts the arguments in Claude Desktop's configuration."""
    (arguments,) = [server["args"] for server in servers() if "args" in server]

    assert build_parser(arguments).parse_args(arguments).room == ROOM


def test_programs_are_valid() -> None:
    """The Python examples in the document can be compiled."""
    assert [type(ast.parse(each)) for each in blocks("python")] == [ast.Module, ast.Module]
