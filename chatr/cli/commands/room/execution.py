"""Runs a command that talks to a room. It loads nothing of the server: an agent's shell loop starts it often."""

import argparse
import asyncio

from chatr.cli.errors import CommandError
from chatr.cli.outcome import exit_code_of
from chatr.client import RoomError


def execute(options: argparse.Namespace) -> int:
    """Run the command whose `run` is in `options` and return the exit code. Expected errors print one sentence."""

    def run() -> int:
        with asyncio.Runner() as runner:
            code: int = runner.run(options.run(options))
        return code

    return exit_code_of(run, (CommandError,), (RoomError,))
