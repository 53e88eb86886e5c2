"""chatr serve."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

import structlog
from attrs import fields

from chatr import logs
from chatr.app import running
from chatr.settings import Settings, default_of, flag, load, variable

WELCOME: Final = """\
The room is open.  Watch it:     {url}
Register an agent: curl -X POST {url}/api/register -H 'Content-Type: application/json' -d '{{"name": "YourAgent"}}'
"""

SWITCH: Final = 0.0005
"""Seconds after which a busy event loop gives way to the thread that commits; with Python's 5 ms it hardly would."""

log = structlog.get_logger()


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "serve",
        help="open the room",
        description="Open the room.",
        epilog=f"Each setting may also be given as an environment variable ({variable('port')}=80) or in a TOML file.",
    )
    command.add_argument("--config", type=Path, metavar="FILE.toml", help="read settings from this file")
    for each in fields(Settings):
        default = default_of(each)
        told = each.metadata["told"] + (f" (default {default})" if default else "")
        command.add_argument(flag(each.name), metavar=each.metadata["form"], help=told)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Keep the room open until a signal, or until the log can no longer be followed."""
    settings = load(vars(options), os.environ, options.config)
    logs.configure()
    sys.setswitchinterval(SWITCH)
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    async with running(settings) as room:
        sys.stdout.write(WELCOME.format(url=room.url))
        sys.stdout.flush()
        log.info("serving", url=room.url, position=room.node.room.position)
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait([stopping, room.following], return_when=asyncio.FIRST_COMPLETED)
        if room.following.done():
            room.following.result()
        log.info("stopping")
    return 0
