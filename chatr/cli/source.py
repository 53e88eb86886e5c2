"""The arguments that commands share."""

import argparse
import os
import textwrap
from collections.abc import Callable
from typing import Final

from chatr.settings import Settings, variable, whole

DEFAULT: Final = Settings().log
WIDTH: Final = 79


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    told: str,
    description: str,
    *examples: str,
) -> argparse.ArgumentParser:
    """A command with examples below its help."""
    lines = "".join(f"  chatr {name} {example}\n" for example in examples)
    return commands.add_parser(
        name,
        help=told,
        description=textwrap.fill(description, WIDTH),
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_log(command: argparse.ArgumentParser) -> None:
    """Give a command its `--log`: any log, live, copied or exported."""
    told = "a log's URL, or an exported file (default %(default)s)"
    command.add_argument("--log", default=default_log(), metavar="URL|FILE", help=told)


def default_log() -> str:
    return os.environ.get(variable("log"), DEFAULT)


def add_json(command: argparse.ArgumentParser, told: str) -> None:
    command.add_argument("--json", action="store_true", help=told)


def number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            return whole(least, most)(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def text(given: str) -> str:
    """An argument that is no UTF-8 reaches us with lone surrogates in it, which nothing can store or print."""
    if any("\ud800" <= char <= "\udfff" for char in given):
        raise argparse.ArgumentTypeError("it is not UTF-8")
    return given
