"""chatr say: posts a message."""

import argparse

from chatr.cli.commands.room.chosen_room import chosen_room, describe_room_command
from chatr.cli.commands.room.posted import print_posted
from chatr.cli.commands.room.texts import add_posting_arguments, text_of


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr say`."""
    describe_room_command(command, "Post a message, and print it.", "Good morning", "'@Ada Have you seen this?'")
    add_posting_arguments(command)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Post the message. Raises CommandError or RoomError."""
    chosen = chosen_room(options)
    text = text_of(options)
    async with chosen.open() as room:
        print_posted(await room.post(text, automatic=options.automatic), as_json=options.json)
    return 0
