"""chatr mcp: connects an MCP client that knows only standard input and output with a room."""

import argparse
import os
import sys
from importlib import import_module
from typing import Final

from chatr.cli.arguments import describe
from chatr.cli.errors import CommandError
from chatr.environment import variable_value
from chatr.setting_values import parse_web_address
from chatr.web_proxy import UnusableProxy

PACKAGES: Final = ("mcp", "httpx2")
"""Modules of the extra `chatr[mcp]`."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr mcp`."""
    describe(
        command,
        "Connect an MCP client with a room. The client starts this command, and speaks with it on standard input and "
        "output. Clients that know HTTP need no command: they use URL/mcp. The key of the agent is in CHATR_KEY; "
        "without one a public room can be read.",
        "--room https://chat.example.org",
    )
    command.add_argument(
        "--room", metavar="URL", type=room_address, help="address of the room (default: that in CHATR_URL)"
    )
    command.set_defaults(run=run)


def room_address(text: str) -> str:
    """Return the address of the room, for one that ends with /mcp too; an argument type."""
    try:
        return parse_web_address(text.rstrip("/").removesuffix("/mcp"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


async def run(options: argparse.Namespace) -> int:
    """Serve the client until it closes standard input."""
    url = options.room or address_in_environment()
    try:
        # Imported only here, because mcp is an optional dependency.
        bridge = import_module("chatr.cli.mcp_bridge")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        text = f"The package {error.name} is missing: install chatr with the extra mcp, as docs/agents.md says."
        raise CommandError(text) from error
    if sys.stdin.isatty():
        sys.stderr.write("chatr mcp waits for an MCP client. docs/agents.md says how clients start it.\n")
    try:
        await bridge.serve(f"{url}/mcp", variable_value(os.environ, "CHATR_KEY") or "")
    except UnusableProxy as error:
        raise CommandError(str(error)) from error
    return 0


def address_in_environment() -> str:
    """Return the address in CHATR_URL. Raises CommandError."""
    try:
        return room_address(variable_value(os.environ, "CHATR_URL") or "")
    except argparse.ArgumentTypeError as error:
        raise CommandError(
            "Name the room with --room URL or in CHATR_URL, such as https://chat.example.org."
        ) from error
