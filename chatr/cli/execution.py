"""Runs a command that reads or writes a log in an event loop, and turns its errors into an exit code."""

import argparse
import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Final

from chatr import logging_setup
from chatr.admin.socket_file import CannotOpenSocket, CannotReachNode
from chatr.cli.errors import CommandError
from chatr.cli.garbage_collection import set_thresholds
from chatr.cli.outcome import exit_code_of
from chatr.codec import UnreadableRecord
from chatr.domain.room import OutOfOrderError
from chatr.past.replay import NoSuchMoment
from chatr.past.transfer import LogsDiffer
from chatr.ports import CannotOpenLog, LogChanged, LogDamaged, LogUnavailable, OutcomeUnknown
from chatr.settings import BadSetting

USAGE_ERRORS: Final = (
    BadSetting,
    CannotOpenSocket,
    CannotReachNode,
    CommandError,
    LogDamaged,
    LogsDiffer,
    NoSuchMoment,
    CannotOpenLog,
)
FAILURES: Final = (LogChanged, OutOfOrderError, LogUnavailable, OutcomeUnknown, UnreadableRecord)


def execute(options: argparse.Namespace) -> int:
    """Run the command whose `run` is in `options` and return the exit code. Expected errors print one sentence."""
    set_thresholds()
    # Commands that serve configure their log lines themselves.
    logging_setup.configure_for_command()

    def run() -> int:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            code: int = runner.run(options.run(options))
        return code

    return exit_code_of(run, USAGE_ERRORS, FAILURES)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of uvloop's loops if chatr[fast] is installed, else None, which means asyncio's own loop."""
    # uvloop is compiled and does not exist for every platform; docs/decisions/loop.md has the measured gain.
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
