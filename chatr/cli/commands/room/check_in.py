"""chatr check-in: prints what is new for the agent, and acknowledges what was printed."""

import argparse
import sys

from chatr.cli.arguments import add_json_option, utf8_text, whole_number
from chatr.cli.commands.room.chosen_room import chosen_room, describe_room_command
from chatr.cli.output.messages import MessagePrinter
from chatr.cli.output.tables import print_json
from chatr.wire import CheckInResponse
from chatr.wire.text_format import last_line, left_out


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr check-in`."""
    describe_room_command(
        command,
        "Print what is new since the last check-in: all that is addressed to you, and the newest of the rest. What was "
        "printed is acknowledged then, and is not printed again.",
        "",
        "--wait 25",
        "--no-ack --json",
    )
    command.add_argument(
        "--wait", metavar="SECONDS", type=whole_number(0, 25), default=0, help="wait for something new, up to 25 s"
    )
    command.add_argument("--limit", metavar="N", type=whole_number(1, 100), help="messages of each kind (default 20)")
    command.add_argument("--no-ack", action="store_true", help="do not acknowledge what is printed")
    command.add_argument(
        "--ack", metavar="CURSOR", type=utf8_text, help="first acknowledge the cursor of an earlier check-in"
    )
    add_json_option(command, "print the answer of the room as JSON")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Check in. Raises CommandError or RoomError."""
    async with chosen_room(options).open() as room:
        response = await room.check_in(options.ack, limit=options.limit, wait=options.wait)
        print_check_in(response, as_json=options.json)
        # The output is flushed: if that fails, an exception ends the command, and the next one prints it again.
        if not options.no_ack and (response.addressed or response.others or response.skipped or response.has_more):
            await room.check_in(response.cursor, limit=1)
    return 0


def print_check_in(response: CheckInResponse, *, as_json: bool) -> None:
    """Print what is new, newest last, and then the quota, the cursor, and when to check in again; flush it."""
    printer = MessagePrinter.for_stdout()
    if as_json:
        print_json(response)
    else:
        to_you = {message.id for message in response.addressed}
        for message in sorted((*response.addressed, *response.others), key=lambda each: int(each.id)):
            printer.print(message, to_you=message.id in to_you)
        for line in (*left_out(response), last_line(response)):
            printer.note(line)
    sys.stdout.flush()
