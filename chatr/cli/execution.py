"""Runs a command in an event loop, and turns its errors into one sentence and an exit code."""

import argparse
import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

import structlog

from chatr.admin.socket_file import CannotOpenSocket, CannotReachNode
from chatr.cli.errors import CommandError
from chatr.cli.garbage_collection import set_thresholds
from chatr.cli.output.text import printable
from chatr.codec import UnreadableRecord
from chatr.domain.room import OutOfOrderError
from chatr.past.replay import NoSuchMoment
from chatr.past.transfer import LogsDiffer
from chatr.ports import CannotOpenLog, LogChanged, LogDamaged, LogUnavailable, OutcomeUnknown
from chatr.settings import BadSetting

FAILED: Final = 1
"""Exit code of a command that was given correctly and could not be finished."""
WRONGLY_USED: Final = 2
"""Exit code of a command with wrong arguments or an unusable log. argparse uses the same code."""
SIGNALLED: Final = 128
"""Shells add this to the number of the signal that ended a process."""

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
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def execute(options: argparse.Namespace) -> int:
    """Run the command whose `run` is in `options` and return the exit code. Expected errors print one sentence."""
    set_thresholds()
    # Standard output is for the result. Commands that serve configure their log lines themselves.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            code: int = runner.run(options.run(options))
        # Flushed here, where a closed pipe or a full disk can still be reported.
        sys.stdout.flush()
    except USAGE_ERRORS as error:
        return report(str(error), WRONGLY_USED)
    except FAILURES as error:
        return report(str(error), FAILED)
    except KeyboardInterrupt:
        # asyncio.Runner cancelled the command before, so its log is closed and its progress bar is removed.
        return SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        discard_output()
        return SIGNALLED + signal.SIGPIPE
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        discard_output()
        return report(f"{error.strerror}.", FAILED)
    return code


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of uvloop's loops if chatr[fast] is installed, else None, which means asyncio's own loop."""
    # uvloop is compiled and does not exist for every platform; docs/decisions/loop.md has the measured gain.
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def report(sentence: str, code: int) -> int:
    """Print the sentence of an error to standard error and return `code`."""
    sys.stderr.write(f"chatr: {printable(sentence)}\n")
    return code


def discard_output() -> None:
    """Redirect standard output to /dev/null, or the flush at exit would fail again and print a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
