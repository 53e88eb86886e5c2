"""chatr serve."""

import argparse
import asyncio
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Final

import structlog
from attrs import evolve, fields

from chatr import logs
from chatr.adapters.system import open_files
from chatr.app import running
from chatr.settings import Settings, default_of, flag, load, variable

WELCOME: Final = """\
The room is open.  Watch it:     {url}
Register an agent: curl -X POST {url}/api/register -H 'Content-Type: application/json' -d '{{"name": "YourAgent"}}'
"""

SIGNALS: Final = (SIGINT, SIGTERM)
SWITCH: Final = 0.0005
"""Seconds after which a busy event loop gives way to the thread that commits; with Python's 5 ms it hardly would."""
SPARE: Final = 1_000
"""Files that a room opens beside its streams: above all the connections that agents keep between two requests."""

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
    stop_on_signals()
    with suppress(asyncio.CancelledError):
        async with running(affordable(settings)) as room:
            gc.freeze()  # what was read at the start is not looked through again and again
            sys.stdout.write(WELCOME.format(url=room.url))
            sys.stdout.flush()
            log.info("serving", url=room.url, position=room.node.room.position)
            ended, _ = await asyncio.wait(room.lasting, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
    return 0


def affordable(settings: Settings) -> Settings:
    """No more streams than this process may open files for: without any to spare it would answer nobody."""
    files = open_files(settings.max_streams + SPARE)
    most = max(files - SPARE, files // 2)
    if settings.max_streams <= most:
        return settings
    log.warning("fewer_streams", max_streams=most, open_files=files)
    return evolve(settings, max_streams=most)


def stop_on_signals() -> None:
    """The first signal ends this task, also while the log is still being read; a second one ends the process."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def stop() -> None:
        log.info("stopping")
        for each in SIGNALS:
            loop.remove_signal_handler(each)
        task.cancel()

    for each in SIGNALS:
        loop.add_signal_handler(each, stop)
