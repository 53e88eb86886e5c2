"""chatr serve: runs the server until a signal ends it."""

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIG_DFL, SIGHUP, SIGINT, SIGQUIT, SIGTERM, Signals, signal
from typing import Final

import structlog
from attrs import evolve, fields

from chatr import __version__, logging_setup, stop_budget
from chatr.adapters.listening_socket import CannotListen
from chatr.adapters.metrics.listener import CannotServeMetrics
from chatr.adapters.system import raise_open_file_limit
from chatr.app import background, running_room
from chatr.background_output import write_what_waits
from chatr.cli import read_only
from chatr.cli.demo import check_demo, demo_flags, demo_notice
from chatr.cli.errors import CommandError
from chatr.cli.garbage_collection import collect_regularly
from chatr.cli.output.commented_config import commented_config
from chatr.cli.unknown_variables import ignored_port, unknown_variables
from chatr.service_notification import notify, send_signs_of_life
from chatr.settings import SWITCHES, Settings, default_of, flag, variable
from chatr.settings_loading import given_values, load

WELCOME: Final = """\
The room is open.  Watch it:     {url}
Register an agent: curl -X POST {url}/api/register -H 'Content-Type: application/json' -d '{{"name": "YourAgent"}}'
"""

URGENT_SIGNALS: Final = (SIGINT, SIGTERM, SIGQUIT)
"""The first of these stops the server in order. A second one ends the process at once."""
OTHER_SIGNALS: Final = "SIGUSR1 SIGUSR2 SIGALRM SIGVTALRM SIGPROF SIGXCPU SIGIO SIGPWR SIGSTKFLT".split()
"""Names of signals that would end the process at once, although none of them reports a defect of the program. Not every
system has all of them. docs/decisions/process-edges.md lists what each signal does.
"""
SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a busy event loop yields to the thread that commits. The default of 5 ms would starve it."""
SLOW_APPEND: Final = 1_000
"""Milliseconds. A store that took longer for its last append may not let a stop end in time."""
SPARE_FILES: Final = 1_000
"""Open files beside those of streams, above all for the connections that agents keep between two requests."""

logger = structlog.get_logger()


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr serve`: every setting, and the file to read settings from."""
    command.description = "Run the server until Ctrl-C or SIGTERM."
    command.epilog = (
        f"Each setting may also be given as an environment variable ({variable('port')}=80) or in a TOML file."
    )
    command.add_argument("--config", type=Path, metavar="FILE.toml", help="read settings from this file")
    for setting in fields(Settings):
        default = default_of(setting)
        text = setting.metadata["description"] + (f" (default {default})" if default else "")
        metavar, const = setting.metadata["metavar"], "on" if setting.name in SWITCHES else None
        command.add_argument(flag(setting.name), metavar=metavar, nargs="?" if const else None, const=const, help=text)
    command.add_argument(
        "--print-config",
        action="store_true",
        help="print a file for --config with every setting, passwords included, and exit: what flags, variables and "
        "--config give is set there, defaults are comments",
    )
    # No setting: in a file or a variable it would hide every later loss.
    command.add_argument(
        "--accept-loss",
        action="store_true",
        help="start although the SQLite log lacks records that it held before; for one start",
    )
    # No setting either: a room that is meant for others must not become a demo by a variable.
    command.add_argument(
        "--demo",
        action="store_true",
        help="a room for a first evening: wide limits, a log in memory unless --log is given, for this machine alone",
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Serve until a signal, or until the log can no longer be followed.

    Raises BadSetting, CommandError or CannotOpenLog.
    """
    if options.print_config:
        sys.stdout.write(commented_config(given_values(vars(options), os.environ, options.config)))
        return 0
    settings = load(demo_flags(vars(options)) if options.demo else vars(options), os.environ, options.config)
    read_only.check_read_only(settings, accept_loss=options.accept_loss, demo=options.demo)
    if options.demo:
        check_demo(settings)
    logging_setup.configure(settings.log_level)
    if unknown := unknown_variables(os.environ):
        logger.warning("unknown_variables", nearest_settings=unknown, hint="no setting has these names: correct them")
    if port := ignored_port(os.environ, settings.port):
        logger.warning("port_variable_ignored", PORT=port, hint=f"to listen there: --port {port} or CHATR_PORT={port}")
    sys.setswitchinterval(SWITCH_INTERVAL)
    cancel_on_signals()
    try:
        # A signal cancels this task: that is the usual end, and no error.
        with suppress(asyncio.CancelledError):
            await serve(settings_within_file_limit(settings), accept_loss=options.accept_loss, demo=options.demo)
    except (CannotListen, CannotServeMetrics) as error:
        raise CommandError(str(error)) from error
    return 0


async def serve(settings: Settings, *, accept_loss: bool, demo: bool) -> None:
    """Open the room, print how to reach it, and wait for a background task to fail.

    `accept_loss` opens a log that lost records. A `demo` says that it is one.
    """
    if accept_loss:
        logger.warning("losses_are_accepted", hint="start without --accept-loss from now on: it hides every later loss")
    notify("STATUS=Opening the log.")
    async with background(collect_regularly()), running_room(settings, accept_loss=accept_loss, demo=demo) as room:
        welcome = read_only.WELCOME if settings.read_only else WELCOME
        sys.stdout.write(welcome.format(url=room.url) + (demo_notice(settings) if demo else ""))
        sys.stdout.flush()
        logger.info("serving", url=room.url, position=room.node.room.position, version=__version__)
        notify("READY=1", f"STATUS=Serving {room.url}.")
        try:
            async with background(send_signs_of_life(*room.background_tasks)):
                ended, _ = await asyncio.wait(room.background_tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            end_process_after(stop_budget.HANGING, lambda: room.node.commands.last_append > SLOW_APPEND)
            raise
        # A background task ends only with an error. Raise it: the room can no longer follow its log.
        for task in ended:
            task.result()


def settings_within_file_limit(settings: Settings) -> Settings:
    """Lower `max_streams` so that streams leave open files for other requests.

    A stream is an open file, and many systems allow a process 1,024 of them. If streams used them all, the server could
    not accept any connection to post.
    """
    files = raise_open_file_limit(settings.max_streams + SPARE_FILES)
    # At least half of the files, or a limit below SPARE_FILES would leave none for streams.
    max_streams = max(files - SPARE_FILES, files // 2)
    if settings.max_streams <= max_streams:
        return settings
    logger.warning("fewer_streams", max_streams=max_streams, open_files=files)
    return evolve(settings, max_streams=max_streams)


def stop_signals() -> list[int]:
    """Return the signals of this system that stop the server in order, those for real-time use among them."""
    others = [Signals[name] for name in OTHER_SIGNALS if name in Signals.__members__]
    real_time = range(Signals["SIGRTMIN"], Signals["SIGRTMAX"] + 1) if "SIGRTMIN" in Signals.__members__ else ()
    return [*URGENT_SIGNALS, *others, *real_time]


def end_process_after(seconds: float, condition: Callable[[], bool] = lambda: True) -> None:
    """End the process with exit code 0 if `condition` holds after so many seconds, whatever it waits for then."""

    def end() -> None:
        if not condition():
            return
        logger.warning("stop_cut_short", seconds=seconds)
        write_what_waits()
        # sys.exit would wait for the thread whose flush hangs.
        os._exit(0)

    # No timer of the event loop: the end of the interpreter waits for threads when there is no loop any more.
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def cancel_on_signals() -> None:
    """Let the first stop signal cancel this task, also while the log is read, and ignore that a terminal is closed."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def stop() -> None:
        logger.info("stopping")
        notify("STOPPING=1")
        end_process_after(stop_budget.TOTAL)
        for each in stop_signals():
            # Cancelled twice, the task would leave its clean-up undone.
            loop.add_signal_handler(each, logger.info, "already_stopping")
        for each in URGENT_SIGNALS:
            loop.remove_signal_handler(each)
            # Python's own handler of SIGINT would raise KeyboardInterrupt, which waits for tasks and threads.
            signal(each, SIG_DFL)
        task.cancel()

    for each in stop_signals():
        loop.add_signal_handler(each, stop)
    loop.add_signal_handler(SIGHUP, logger.info, "hangup_ignored")
