"""chatr wait: blocks until a message is addressed to the agent."""

import argparse
import asyncio
from collections.abc import Sequence

from chatr.cli.arguments import add_json_option, time_limit
from chatr.cli.commands.room.addressed import possibly_addressed
from chatr.cli.commands.room.chosen_room import LONG_TIME_LIMIT, chosen_room, describe_room_command
from chatr.cli.outcome import FAILED, report
from chatr.cli.output.messages import MessagePrinter
from chatr.client import Room
from chatr.wire import Message


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr wait`."""
    describe_room_command(
        command,
        "Wait until a message mentions you or replies to you, and print it. Nothing is acknowledged: chatr check-in "
        "prints it again. The exit code is 1 when there was none in time.",
        "--timeout 1h && chatr check-in",
    )
    command.add_argument("--timeout", metavar="DURATION", type=time_limit, help="how long to wait (default for ever)")
    add_json_option(command, "print each message as JSON, one per line")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Wait. Raises CommandError or RoomError."""
    chosen = chosen_room(options)
    async with chosen.open(LONG_TIME_LIMIT) as room:
        try:
            async with asyncio.timeout(options.timeout):
                messages = await first_addressed(room)
        except TimeoutError:
            return report(f"Nothing was addressed to you within {options.timeout} s.", FAILED)
    printer = MessagePrinter.for_stdout(as_json=options.json)
    for message in messages:
        printer.print(message, to_you=True)
    return 0


async def first_addressed(room: Room) -> Sequence[Message]:
    """Return the messages that are addressed to the agent and not acknowledged, once there are any."""
    found = await room.check_in()
    async with possibly_addressed(room, found.cursor) as wait_after:
        while not found.addressed:
            await wait_after(found.cursor)
            found = await room.check_in()
    return found.addressed
