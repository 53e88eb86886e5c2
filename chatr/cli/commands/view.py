"""chatr view: shows a log in the browser, as a read-only room."""

import argparse
import asyncio
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from signal import SIGHUP, SIGINT, SIGTERM
from typing import Final

from attrs import evolve

from chatr import logging_setup
from chatr.adapters.listening_socket import CannotListen
from chatr.adapters.stores.urls import open_unchanged
from chatr.app import RunningRoom, running_room
from chatr.background_tasks import background
from chatr.cli.arguments import describe, whole_number
from chatr.cli.commands.serve import SWITCH_INTERVAL
from chatr.cli.errors import CommandError
from chatr.cli.garbage_collection import collect_regularly
from chatr.cli.moment import MOMENT_FORM, MOMENT_HELP, parse_moment
from chatr.cli.output.progress import open_ended_progress
from chatr.cli.output.text import counted, format_time
from chatr.cli.viewed_log import LogWithProgress, log_url, mismatch_warning, time_of_moment
from chatr.domain.limits import SECOND, Limit
from chatr.domain.room import Room
from chatr.past.replay import time_of
from chatr.ports import LogReader
from chatr.secret import secret_url
from chatr.settings import Settings

# The limits per address protect public servers. Here one person drags the slider and opens tabs.
UNLIMITED: Final = Limit(1_000_000, SECOND)
SETTINGS: Final = Settings(
    log=secret_url("memory:"),
    read_only=True,
    rate_requests=UNLIMITED,
    max_streams_per_ip=1_000,
)
"""The settings of the server. `running_room` gets the log as an argument; because of `memory:` no files are written
beside it.
"""
STOP_SIGNALS: Final = (SIGINT, SIGTERM, SIGHUP)
DISPLAY_VARIABLES: Final = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Environment variables; one of them is set where a browser can be opened. Without a display a text browser would take
over the terminal.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr view`."""
    describe(
        command,
        "Show a log in the browser until Ctrl-C: the page of the room with its past and search, for this machine "
        "only. Nothing is written to the log or beside it. New records of a running server appear. "
        f"{MOMENT_HELP}",
        "room.jsonl.gz",
        "/backups/chatr.db --at 2026-01-31T12:00",
        "postgresql://watcher@db.example.org/chatr --no-browser",
    )
    command.add_argument(
        "log",
        type=secret_url,
        metavar="FILE|URL",
        help="an exported file, - for one on standard input, a SQLite file or a backup, or a log's URL",
    )
    command.add_argument("--at", metavar=MOMENT_FORM, type=parse_moment, help="show the room as it was at this moment")
    # A free port for each log: at the same address, a tab of an earlier view would connect to this log.
    command.add_argument(
        "--port", metavar="PORT", type=whole_number(0, 65535), default=0, help="port to listen on (default a free one)"
    )
    command.add_argument("--no-browser", action="store_true", help="print the address, and do not open a browser")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Serve the log until a signal. Raises CannotOpenLog, CommandError, NoSuchMoment, or what the log raises."""
    logging_setup.configure_for_command("warning")
    sys.setswitchinterval(SWITCH_INTERVAL)
    async with open_unchanged(log_url(options.log)) as log, served(log, options.port) as room:
        moment = "" if options.at is None else f"#t-{format_time(await time_of_moment(log, options.at))}"
        if sentence := await mismatch_warning(log, room.node.room, str(options.log)):
            sys.stderr.write(f"chatr: Warning: {sentence}\n")
        sys.stdout.write(await summary(log, room.node.room))
        sys.stdout.write(f"Watch it: {room.url}/{moment}  (stop with Ctrl-C)\n")
        sys.stdout.flush()
        if not options.no_browser and any(map(os.environ.get, DISPLAY_VARIABLES)):
            await asyncio.to_thread(webbrowser.open, f"{room.url}/{moment}")
        async with background(collect_regularly()):
            await until_signal(room.background_tasks)
    return 0


@asynccontextmanager
async def served(log: LogReader, port: int) -> AsyncIterator[RunningRoom]:
    """Read the log and serve it at `port`. Shows progress. Raises CommandError, or what the log raises."""
    settings = evolve(SETTINGS, port=port)
    async with AsyncExitStack() as stack:
        with open_ended_progress("reading") as show:
            try:
                context = running_room(settings, event_log=LogWithProgress(log, show))
                room = await stack.enter_async_context(context)
            except CannotListen as error:
                raise CommandError(str(error)) from error
        yield room


async def summary(log: LogReader, room: Room) -> str:
    """Return a line with the numbers of records, messages and agents, and the time of the last record."""
    counts = f"{counted(room.position, 'record')}, {counted(room.history.count, 'message')}"
    end = f", the last record of {format_time(await time_of(log, room.position))}" if room.position else ""
    return f"{counts}, {counted(len(room.agents), 'agent')}{end}\n"


async def until_signal(background_tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for a signal that ends the command, or for a task to fail: raises what it raised."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stopped.set)
    try:
        async with background(wait_for(stopped)) as stopping:
            ended, _ = await asyncio.wait([stopping, *background_tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for each in STOP_SIGNALS:
            # A second signal ends the process at once.
            loop.remove_signal_handler(each)


async def wait_for(event: asyncio.Event) -> None:
    """Wait until the event is set."""
    await event.wait()
