"""Arguments that several commands share, and the layout of their help."""

import argparse
import os
import textwrap
from collections.abc import Callable
from typing import Final

from chatr.setting_values import whole_number_parser
from chatr.settings import Settings, variable

DEFAULT_LOG_URL: Final = Settings().log
HELP_WIDTH: Final = 79
"""Columns of help text, for a terminal of eighty."""


def describe(command: argparse.ArgumentParser, description: str, *examples: str) -> None:
    """Set the text above a command's arguments in its help, and the examples below them."""
    lines = "".join(f"  {command.prog} {example}\n" for example in examples)
    command.description = textwrap.fill(description, HELP_WIDTH)
    command.epilog = f"examples:\n{lines}"
    # The default formatter would join the lines of examples to one paragraph.
    command.formatter_class = argparse.RawDescriptionHelpFormatter


def add_log_option(command: argparse.ArgumentParser) -> None:
    """Give a command that reads a log its `--log`, which may be a live log or an exported file."""
    text = "a log's URL, or an exported file (default %(default)s)"
    command.add_argument("--log", default=default_log_url(), metavar="URL|FILE", help=text)


def default_log_url() -> str:
    """Return the URL in CHATR_LOG, or that of the log that the server uses by default."""
    return os.environ.get(variable("log"), DEFAULT_LOG_URL)


def add_json_option(command: argparse.ArgumentParser, text: str) -> None:
    """Give a command its `--json`; `text` is its help."""
    command.add_argument("--json", action="store_true", help=text)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return an argument type that accepts the whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        try:
            return whole_number_parser(least, most)(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def utf8_text(text: str) -> str:
    """Accept any text that is UTF-8; an argument type.

    Python decodes other bytes of the command line to lone surrogates, which can be neither stored nor printed.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise argparse.ArgumentTypeError("it is not UTF-8")
    return text
