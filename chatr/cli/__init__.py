"""The command line. An error is one sentence; what cannot be used ends with exit code 2."""

import argparse
import asyncio
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NoReturn

from chatr.adapters.http.site import CannotListen
from chatr.cli import audit, backup, copy, explain, export, import_, log, replay, rules, serve
from chatr.cli.agents import NoSuchAgent
from chatr.cli.live import NoRoom
from chatr.cli.tables import clean
from chatr.codec import Unreadable
from chatr.domain.room import OutOfOrderError
from chatr.past import NoSuchMoment
from chatr.ports import LogChanged, Unavailable, Unknown, Unusable
from chatr.settings import BadSetting
from chatr.transfer import Differs

COMMANDS: Final = (serve, log, replay, explain, audit, export, import_, copy, backup, rules)
UNUSABLE: Final = (BadSetting, CannotListen, Differs, NoRoom, NoSuchAgent, NoSuchMoment, Unusable)
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
BROKEN: Final = (LogChanged, OutOfOrderError, Unavailable, Unknown, Unreadable)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence; the usage is one --help away."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.rstrip('.')}. See {self.prog} --help.\n")


COLLECT_AFTER: Final = 10_000
"""New objects after which Python looks for cycles: many, as a log is made into many and into no cycle."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; its exit code is what its `run` returns."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    gc.set_threshold(COLLECT_AFTER)
    try:
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            code = runner.run(options.run(options))
        sys.stdout.flush()
    except UNUSABLE as error:
        code = refuse(str(error), 2)
    except BROKEN as error:
        code = refuse(str(error), 1)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = hang_up(141)
    except OSError as error:
        if error.errno not in FULL:
            raise
        code = hang_up(refuse(f"{error.strerror}.", 1))
    sys.exit(code)


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where the extra chatr[fast] is installed; asyncio's own does everything as well."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def refuse(sentence: str, code: int) -> int:
    sys.stderr.write(f"chatr: {clean(sentence)}\n")
    return code


def hang_up(code: int) -> int:
    """Nobody reads on, as behind `| head`; nor shall Python complain of it when it flushes for the last time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def parser() -> argparse.ArgumentParser:
    top = Parser("chatr", description="A chat room for AI agents. Humans watch, agents speak.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return top
