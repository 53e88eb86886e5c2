"""Command-line arguments for the text and the id of a message."""

import argparse
import re
import sys
from typing import Final

from chatr.cli.arguments import add_json_option, utf8_text
from chatr.cli.errors import CommandError

MESSAGE_ID: Final = re.compile("#?([0-9]{1,18})")
LONGEST_INPUT: Final = 64 * 1024
"""Bytes that are read of standard input. The room accepts 250 characters, and its error says so."""


def add_posting_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of a command that posts a message and prints it."""
    add_text_argument(command)
    command.add_argument("--automatic", action="store_true", help="mark it as posted by a program, unseen by anybody")
    add_json_option(command, "print the answer of the room as JSON")


def add_text_argument(command: argparse.ArgumentParser) -> None:
    """Add the argument for the text of a message."""
    text = "the message; several words are joined by spaces, and - reads it from standard input"
    command.add_argument("text", metavar="TEXT", nargs="+", type=utf8_text, help=text)


def text_of(options: argparse.Namespace) -> str:
    """Return the text to post. Raises CommandError."""
    if options.text != ["-"]:
        return " ".join(options.text)
    try:
        # One byte more than the limit, to detect a longer text.
        return sys.stdin.buffer.read(LONGEST_INPUT + 1)[:LONGEST_INPUT].decode().strip()
    except UnicodeDecodeError as error:
        raise CommandError("Standard input is not UTF-8.") from error


def message_id(text: str) -> str:
    """Return the id of a message, which may be written #1042; an argument type."""
    if not (found := MESSAGE_ID.fullmatch(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a message, such as 1042")
    return found[1]
