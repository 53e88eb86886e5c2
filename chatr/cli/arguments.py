"""Arguments that several commands share, and the layout of their help."""

import argparse
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chatr.environment import variable_value
from chatr.secret import Secret, secret_url
from chatr.setting_values import LARGEST_WINDOW, whole_number_parser
from chatr.settings import Settings, variable

DEFAULT_LOG_URL: Final = Settings().log
HELP_WIDTH: Final = 79
"""Columns of help text, for a terminal of eighty."""
DURATION: Final = re.compile("([1-9][0-9]{0,8})([smhdw])")
SECONDS_OF_UNIT: Final = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


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
    add_log_argument(command, "URL|FILE", text)


def add_log_argument(command: argparse.ArgumentParser, metavar: str, text: str) -> None:
    """Give a command a `--log` with a help text; the default is that of `default_log_url`."""
    command.add_argument("--log", type=secret_url, default=default_log_url(), metavar=metavar, help=text)


def default_log_url() -> Secret:
    """Return the URL in CHATR_LOG, or that of the log that the server uses by default."""
    given = variable_value(os.environ, variable("log"))
    return DEFAULT_LOG_URL if given is None else secret_url(given)


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


def duration(text: str) -> int:
    """Return the seconds of a duration such as 30m or 7d; an argument type."""
    if (
        not (found := DURATION.fullmatch(text))
        or (seconds := int(found[1]) * SECONDS_OF_UNIT[found[2]]) > LARGEST_WINDOW
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration, such as 90s, 30m, 1h, 7d or 2w, of at most a year")
    return seconds


def time_limit(text: str) -> int:
    """Return the seconds of a duration, or of a plain number; an argument type."""
    # Programs such as timeout(1) count in seconds. An operator's "7" could mean days, and needs a unit.
    return duration(f"{text}s" if text.isdecimal() else text)


def file_or_stream(text: str) -> Path | None:
    """Return the path of a file, or None for -, which is standard input or standard output; an argument type."""
    # ./- is a file of that name.
    return None if text == "-" else Path(text)


def utf8_text(text: str) -> str:
    """Accept any text that is UTF-8; an argument type.

    Python decodes other bytes of the command line to lone surrogates, which can be neither stored nor printed.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise argparse.ArgumentTypeError("it is not UTF-8")
    return text
