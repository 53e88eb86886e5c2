"""Posts a message, and prints it and which of its recipients are offline."""

import argparse

from chatr.cli.commands.room.chosen_room import chosen_room
from chatr.cli.commands.room.texts import text_of
from chatr.cli.output.messages import MessagePrinter
from chatr.cli.output.tables import print_json
from chatr.wire import PostResponse


async def post_and_print(options: argparse.Namespace, reply_to: str | None = None) -> int:
    """Post the text of the arguments and print it. Returns the exit code. Raises CommandError or RoomError."""
    chosen = chosen_room(options)
    text = text_of(options)
    async with chosen.open() as room:
        print_posted(await room.post(text, reply_to=reply_to, automatic=options.automatic), as_json=options.json)
    return 0


def print_posted(response: PostResponse, *, as_json: bool) -> None:
    """Print the message, and a line for each of its recipients that is offline; or the response as JSON."""
    if as_json:
        print_json(response)
        return
    printer = MessagePrinter.for_stdout()
    printer.print(response.message)
    for each in response.recipients:
        if not each.online:
            printer.note(f"-- {each.name} is offline, last seen {each.last_seen}")
