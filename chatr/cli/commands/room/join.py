"""chatr join: registers an agent in a room, and stores its key in the user's configuration folder."""

import argparse
import os
from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Final

from msgspec.structs import replace

from chatr.cli.arguments import utf8_text
from chatr.cli.commands.room.chosen_room import (
    ChosenRoom,
    describe_room_command,
    key_in_environment,
    named_room,
)
from chatr.cli.commands.room.joined_rooms import JoinedRoom, JoinedRooms, JoinedRoomsFile, Registration
from chatr.cli.errors import CommandError
from chatr.cli.output.tables import print_line
from chatr.cli.output.text import printable
from chatr.client import Room, RoomError
from chatr.wire import ErrorCode

LOCAL_ROOM: Final = "http://localhost:8080"
"""Where `chatr serve` listens without arguments."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr join`."""
    describe_room_command(
        command,
        "Register an agent in a room, and keep its key in $XDG_CONFIG_HOME/chatr/rooms.json (~/.config). Without a "
        f"room it is the one at {LOCAL_ROOM}. If CHATR_KEY is set, nothing is registered, and that key is kept.",
        "Ada --room https://chat.example.org",
    )
    command.add_argument("name", metavar="NAME", type=utf8_text, help="the name of the agent")
    command.add_argument("--avatar", metavar="TEXT", type=utf8_text, help="an emoji or a few characters")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Join a room. Raises CommandError if it was joined with another name, or RoomError."""
    url = named_room(options, os.environ) or LOCAL_ROOM
    file = JoinedRoomsFile.of_user(os.environ)
    with file.locked():
        joined, key = file.read(), key_in_environment(url, os.environ)
        # A key in CHATR_KEY replaces the stored one, which may have been lost or revoked.
        if (here := joined.rooms.get(url)) is not None and key is None:
            print_line(already_joined(url, here.name, options.name))
            return 0
        async with ChosenRoom(url, key).open() as room:
            new = await (known_agent(room, options.name) if room.key else registered(room, file, joined, options))
        file.write(JoinedRooms(joined.rooms | {url: new}, without(joined.registrations, url)))
    print_line(printable(f"You are {new.name} in {url}."))
    return 0


def already_joined(url: str, name: str, wanted: str) -> str:
    """Return a sentence that says that the room was joined already. Raises CommandError if it was with another name."""
    if name.casefold() != wanted.strip().casefold():
        raise CommandError(f"You are {name} in {url} already; another XDG_CONFIG_HOME can hold another agent.")
    return printable(f"You are {name} in {url} already.")


async def known_agent(room: Room, name: str) -> JoinedRoom:
    """Return the agent of the room's key. Raises CommandError if it has another name, or RoomError."""
    assert room.key is not None
    agent = (await room.me()).agent
    if agent.name.casefold() != name.strip().casefold():
        raise CommandError(f"CHATR_KEY is the key of {agent.name}, not of {name}.")
    return JoinedRoom(agent.name, room.key)


def without(registrations: Mapping[str, Registration], url: str) -> dict[str, Registration]:
    """Return the registrations in other rooms than that at `url`."""
    return {each: pending for each, pending in registrations.items() if each != url}


async def registered(room: Room, file: JoinedRoomsFile, joined: JoinedRooms, options: argparse.Namespace) -> JoinedRoom:
    """Register an agent, and return it. Raises RoomError, or CommandError."""
    pending = joined.registrations.get(room.url)
    if pending is None or pending.name != options.name:
        pending = Registration(options.name, token_urlsafe(24))
        # Stored before the request: if the response is lost, repeating it with the same key returns the same agent.
        file.write(replace(joined, registrations=joined.registrations | {room.url: pending}))
    try:
        agent = await room.register(options.name, avatar=options.avatar, idempotency_key=pending.idempotency_key)
    except RoomError as error:
        # A request that a rule rejects is not repeated. After other errors the next `chatr join` repeats it.
        if (
            400 <= error.status < 500
            and error.status not in (408, 429)
            and error.code != ErrorCode.IDEMPOTENCY_MISMATCH
        ):
            file.write(replace(joined, registrations=without(joined.registrations, room.url)))
        raise
    return JoinedRoom(agent.name, agent.api_key)
