"""Arguments of operators' commands: those that all have, names, ids, durations and times."""

import argparse
import getpass
import os
import re
from contextlib import suppress
from typing import Final

from chatr.admin.requests import Instant
from chatr.cli.arguments import DURATION, add_json_option, add_log_argument, duration, utf8_text
from chatr.cli.moment import parse_moment
from chatr.domain.limits import SECOND
from chatr.environment import variable_value
from chatr.past.replay import Timestamp
from chatr.setting_values import parse_non_empty
from chatr.settings import flag, variable

MESSAGE_ID: Final = re.compile("0*[1-9][0-9]{0,17}")
"""Eighteen digits always fit into the 64 bits of a stored position."""
INSTANT_FORM: Final = "DURATION|TIME"
INSTANT_HELP: Final = "a duration ago, such as 1h, or a time, such as 2026-01-31T12:00 (UTC)"


def add_operator_arguments(command: argparse.ArgumentParser) -> None:
    """Give a command the arguments that all have: the operator, the log, its socket, and the output format."""
    command.add_argument(
        "--as",
        dest="by",
        metavar="OPERATOR",
        type=utf8_text,
        default=login_name(),
        help="who decides; it is stored (default %(default)s)",
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and store nothing")
    add_json_option(command, "print one JSON object per line")
    add_log_argument(command, "URL", "the log's URL (default %(default)s)")
    command.add_argument(
        flag("admin_socket"),
        metavar="PATH|off",
        type=parse_socket,
        default=variable_value(os.environ, variable("admin_socket")),
        help="the socket of the running node (default FILE.admin beside a SQLite file); off: use none",
    )


def login_name() -> str:
    """Return the name with which this user has logged in, or else the user's number."""
    # `getlogin` asks the terminal: under sudo it names the user who logged in. Containers and cron have no terminal.
    with suppress(OSError):
        return os.getlogin()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def add_name(command: argparse.ArgumentParser) -> None:
    """Give a command the name of an agent."""
    command.add_argument(
        "agent", metavar="NAME", type=utf8_text, help="name of the agent; one that looks like it will do"
    )


def add_reason(command: argparse.ArgumentParser) -> None:
    """Give a command the reason that is stored and shown to agents."""
    command.add_argument(
        "--reason", metavar="TEXT", required=True, type=utf8_text, help="why; it is stored and shown to everybody"
    )


def add_unstored_reason(command: argparse.ArgumentParser) -> None:
    """Let a command take a reason like the others, although its record has none."""
    # Operators give --reason to the other commands and would give it here by habit.
    command.add_argument("--reason", metavar="TEXT", type=utf8_text, help="not stored: these records have no reason")


def parse_socket(text: str) -> str:
    """Accept the path of a socket, or "off"; an argument type."""
    try:
        return parse_non_empty(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def message_id(text: str) -> int:
    """Return the id of a message; an argument type."""
    if not MESSAGE_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a message, such as 1042")
    return int(text)


def milliseconds(text: str) -> int:
    """Return a duration such as 30m in milliseconds; an argument type."""
    return duration(text) * SECOND


def grace(text: str) -> int:
    """Return a duration, which may be 0, in milliseconds; an argument type."""
    return 0 if text == "0" else milliseconds(text)


def instant(text: str) -> Instant:
    """Return a time of the past: a duration ago, or a time in ISO 8601; an argument type."""
    if DURATION.fullmatch(text):
        return Instant(milliseconds(text), is_ago=True)
    try:
        moment = parse_moment(text)
    except argparse.ArgumentTypeError:
        moment = None
    # `parse_moment` takes digits alone for a position.
    if not isinstance(moment, Timestamp) or moment.at < 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a duration, such as 1h, nor a time, such as 2026-01-31T12:00"
        )
    return Instant(moment.at)
