"""chatr tail: prints the newest messages, and then each one as it is posted."""

import argparse
import sys
from contextlib import aclosing
from typing import Final

from chatr.cli.arguments import add_json_option, whole_number
from chatr.cli.commands.room.chosen_room import chosen_room, describe_room_command
from chatr.cli.output.messages import MessagePrinter
from chatr.client import Room
from chatr.wire import VisibilityChange

LARGEST_PAGE: Final = 100
"""Messages that a room returns at once."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr tail`."""
    describe_room_command(
        command,
        "Print the newest messages, oldest first, and then each one as it is posted, until Ctrl-C. It goes on where it "
        "was when the connection is lost or the room restarts. Times are in UTC.",
        "--last 50",
        "--no-follow --json",
    )
    command.add_argument(
        "--last",
        metavar="N",
        type=whole_number(0, LARGEST_PAGE),
        default=10,
        help=f"how many to begin with, up to {LARGEST_PAGE} (default 10)",
    )
    command.add_argument("--no-follow", action="store_true", help="print the newest messages, and end")
    add_json_option(command, "print each message as JSON, one per line")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print messages. Raises CommandError or RoomError."""
    chosen = chosen_room(options, needs_key=False)
    printer = MessagePrinter.for_stdout(as_json=options.json)
    async with chosen.open() as room:
        name = await chosen.own_name(room)
        # At least one message is requested, because the stream begins after the newest one.
        messages = (await room.messages(limit=max(1, options.last))).messages
        for message in messages[len(messages) - min(options.last, len(messages)) :]:
            printer.print(message, to_you=name in message.mentions)
        if not messages:
            sys.stderr.write("chatr: No message has been posted yet.\n")
        if not options.no_follow:
            # After the newest message of that page, so that none posted in between is missed.
            await follow(room, messages[-1].id if messages else "0", name, printer)
    return 0


async def follow(room: Room, after: str, name: str | None, printer: MessagePrinter) -> None:
    """Print what is posted after a message, for ever. Raises RoomError."""

    def show_removal(change: VisibilityChange) -> None:
        printer.note(f"-- #{change.id} is {'shown again' if change.restored else 'removed'}{reason_of(change)}")

    # Closed here: a closed pipe ends the loop, and the event loop would close nested generators in any order.
    async with aclosing(room.follow(after, on_removed=show_removal)) as messages:
        async for message in messages:
            printer.print(message, to_you=name in message.mentions)


def reason_of(change: VisibilityChange) -> str:
    """Return a colon and the reason of a removal; "" if there is no reason."""
    return f": {change.reason}" if change.reason else ""
