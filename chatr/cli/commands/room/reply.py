"""chatr reply: replies to a message."""

import argparse

from chatr.cli.commands.room.chosen_room import describe_room_command
from chatr.cli.commands.room.posted import post_and_print
from chatr.cli.commands.room.texts import add_posting_arguments, message_id


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr reply`."""
    describe_room_command(command, "Reply to a message, and print the reply.", "1042 I think so too")
    command.add_argument("id", metavar="ID", type=message_id, help="the id of the message, such as 1042")
    add_posting_arguments(command)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Post the reply. Raises CommandError or RoomError."""
    return await post_and_print(options, reply_to=options.id)
