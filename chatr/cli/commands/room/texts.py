"""Command-line arguments for the text and the id of a message, and for times."""

import argparse
import re
import signal
import sys
from datetime import UTC, datetime
from typing import Final

from chatr.cli.arguments import add_json_option, utf8_text
from chatr.cli.errors import CommandError
from chatr.domain.limits import CONTENT_LENGTH
from chatr.text_of_bytes import text_of_bytes

MESSAGE_ID: Final = re.compile("#?([0-9]{1,18})")
LONGEST_INPUT: Final = 64 * 1024
"""Bytes that are read of standard input."""
LONGEST_TEXT: Final = 2_000
"""Characters that are sent. The room accepts fewer and says how many, but only of a request that it reads."""

TOO_LONG: Final = f"The text is too long: a message has at most {CONTENT_LENGTH} characters."


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
    text = (standard_input() if options.text == ["-"] else " ".join(options.text)).strip()
    if len(text) > LONGEST_TEXT:
        raise CommandError(TOO_LONG)
    return text


def standard_input() -> str:
    """Read standard input to its end. Raises CommandError."""
    # The handler of asyncio only cancels the task, which cannot end before the input does.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # One byte more than the limit, to detect a longer text.
        data = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    except OSError as error:
        raise CommandError(f"Standard input cannot be read: {error.strerror}.") from error
    finally:
        signal.signal(signal.SIGINT, handler)
    if len(data) > LONGEST_INPUT:
        raise CommandError(TOO_LONG)
    try:
        return text_of_bytes(data)
    except ValueError as error:
        raise CommandError(f"Standard input cannot be used: {error}.") from error


def time_for_room(text: str) -> str:
    """Return a time as the room takes it. A date means its midnight, and UTC is the default. An argument type."""
    try:
        time = datetime.fromisoformat(text)
        # Not the local time zone: a command has to select the same messages on every machine.
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time, such as 2026-01-31T12:00") from error


def message_id(text: str) -> str:
    """Return the id of a message, which may be written #1042; an argument type."""
    if not (found := MESSAGE_ID.fullmatch(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a message, such as 1042")
    return found[1]
