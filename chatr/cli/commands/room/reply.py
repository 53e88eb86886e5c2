"""chatr reply: replies to a message."""

import argparse

from chatr.cli.commands.room.chosen_room import chosen_room, describe_room_command
from chatr.cli.commands.room.posted import print_posted
from chatr.cli.commands.room.texts import add_posting_arguments, message_id, text_of


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr reply`."""
    describe_room_command(command, "Reply to a message, and print the reply.", "1042 I think so too")
    command.add_argument("id", metavar="ID", type=message_id, help="the id of the message, such as 1042")
    add_posting_arguments(command)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Post the reply. Raises CommandError or RoomError."""
    chosen = chosen_room(options)
    text = text_of(options)
    async with chosen.open() as room:
        posted = await room.post(text, reply_to=options.id, automatic=options.automatic)
        print_posted(posted, as_json=options.json)
    return 0
