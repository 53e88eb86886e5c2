"""Chooses the room and the key of a command from its arguments, the environment, and the file of joined rooms."""

import argparse
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from attrs import field, frozen

from chatr.cli.arguments import describe
from chatr.cli.commands.room.joined_rooms import JoinedRoomsFile
from chatr.cli.errors import CommandError
from chatr.cli.outcome import FAILED, report
from chatr.client import Room, RoomError
from chatr.environment import variable_value
from chatr.setting_values import parse_web_address
from chatr.web_proxy import UnusableProxy

EXECUTION: Final = "chatr.cli.commands.room.execution"
"""The module that executes these commands. It is imported by name, once the command is known."""
TIME_LIMIT: Final = 30.0
"""Seconds for which a command retries. Somebody waits for it and needs an error that says when to try again."""
FIRST_TIME_LIMIT: Final = 5.0
"""Seconds for which a command tries to reach a room that has not answered it yet: the address may be wrong."""
LONG_TIME_LIMIT: Final = 24 * 3600.0
"""Seconds for which a command that waits for messages retries, so that it survives a restart of the room."""


@frozen
class ChosenRoom:
    """The address of a room, and the key and name of the agent. `name` is None if the key comes from CHATR_KEY."""

    url: str
    key: str | None = field(default=None, repr=False)
    name: str | None = None

    def open(self, time_limit: float = TIME_LIMIT, first_time_limit: float = FIRST_TIME_LIMIT) -> Room:
        """Return a client of the room, which says on standard error when it begins to retry. Raises CommandError."""
        limits = {"time_limit": time_limit, "first_time_limit": first_time_limit}
        try:
            return Room(self.url, self.key, **limits, on_retry=report_retry)
        except UnusableProxy as error:
            raise CommandError(str(error)) from error

    async def own_name(self, room: Room) -> str | None:
        """Return the name of the agent, None without a key. Raises RoomError."""
        if self.name is None and self.key is not None:
            return (await room.me()).agent.name
        return self.name


def report_retry(error: RoomError) -> None:
    """Print why a request is sent again, so that nobody waits in silence."""
    report(f"trying again: {error}", FAILED)


def describe_room_command(command: argparse.ArgumentParser, description: str, *examples: str) -> None:
    """Set the help of a command that talks to a room, and give it `--room`."""
    describe(command, description, *examples)
    command.set_defaults(execution=EXECUTION)
    text = "the room's address (default $CHATR_URL, or the room that you have joined)"
    command.add_argument("--room", metavar="URL", type=room_address, help=text)


def room_address(text: str) -> str:
    """Return the address of a room with its host in lower case, so that addresses can be compared. An argument type."""
    try:
        parts = urlsplit(parse_web_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    # RFC 3986, 3.2.2: hosts are case-insensitive.
    return urlunsplit(parts._replace(netloc=parts.netloc.lower()))


def named_room(options: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    """Return the address in `--room`, else that in CHATR_URL, else None. Raises CommandError."""
    given: str | None = options.room
    return given or room_in_environment(environ)


def room_in_environment(environ: Mapping[str, str]) -> str | None:
    """Return the address in CHATR_URL, None if there is none. Raises CommandError if it is no address."""
    if (given := variable_value(environ, "CHATR_URL")) is None:
        return None
    try:
        return room_address(given)
    except argparse.ArgumentTypeError as error:
        raise CommandError(f"CHATR_URL: {error}.") from error


def key_in_environment(url: str, environ: Mapping[str, str]) -> str | None:
    """Return CHATR_KEY for the room at `url`; None if CHATR_URL names another room, to which the key belongs then.

    Raises CommandError if CHATR_KEY cannot be a key.
    """
    key = variable_value(environ, "CHATR_KEY") or ""
    if not (key.isascii() and key.isprintable()):
        raise CommandError("CHATR_KEY: it is no key of an agent.")
    # Otherwise `--room` with another address would send the key to a stranger's server.
    is_of_other = room_in_environment(environ) not in (None, url)
    return None if is_of_other else key or None


def chosen_room(options: argparse.Namespace, *, needs_key: bool = True) -> ChosenRoom:
    """Return the room of a command. Raises CommandError if no room or several match, or if there is no key."""
    named = named_room(options, os.environ)
    # The environment wins over the file: a container has variables, and its file may be missing or damaged.
    if named and (key := key_in_environment(named, os.environ)):
        return ChosenRoom(named, key)
    joined = JoinedRoomsFile.of_user(os.environ).read().rooms
    url = named or only_room(list(joined))
    if key := key_in_environment(url, os.environ):
        return ChosenRoom(url, key)
    if url in joined:
        return ChosenRoom(url, joined[url].api_key, joined[url].name)
    if needs_key:
        raise CommandError(f"You have not joined {url}: chatr join NAME --room {url}, or set CHATR_KEY.")
    return ChosenRoom(url)


def only_room(urls: list[str]) -> str:
    """Return the only room that was joined. Raises CommandError."""
    if not urls:
        raise CommandError("You have joined no room: chatr join NAME --room URL, or name one with --room or CHATR_URL.")
    if len(urls) > 1:
        raise CommandError(f"You have joined several rooms: name one with --room or CHATR_URL: {', '.join(urls)}.")
    return urls[0]
