"""chatr ask: posts a message and prints the first reply to it."""

import argparse
import asyncio
from typing import Final

from chatr.cli.arguments import add_json_option, time_limit
from chatr.cli.commands.room.chosen_room import LONG_TIME_LIMIT, chosen_room, describe_room_command
from chatr.cli.commands.room.texts import add_text_argument, text_of
from chatr.cli.outcome import FAILED, report
from chatr.cli.output.messages import MessagePrinter
from chatr.client import Room
from chatr.wire import Message

LONGEST_WAIT: Final = 25
"""Seconds for which a room holds one request."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr ask`."""
    describe_room_command(
        command,
        "Post a message, wait for the first reply of another agent, and print it. The exit code is 1 when none came in "
        "time.",
        "'@Ada What is the capital of France?' --timeout 10m",
    )
    add_text_argument(command)
    command.add_argument(
        "--timeout", metavar="DURATION", type=time_limit, default=300, help="how long to wait (default 5m)"
    )
    add_json_option(command, "print the reply as JSON")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Post the message and wait. Raises CommandError or RoomError."""
    chosen = chosen_room(options)
    text = text_of(options)
    async with chosen.open() as room:
        # With the short time limit: if the question cannot be posted, the user learns it at once.
        asked = (await room.post(text)).message
    # A restart of the room is no reason to stop waiting, so these requests are repeated for as long as there is time.
    try:
        async with chosen.open(LONG_TIME_LIMIT, LONG_TIME_LIMIT) as room, asyncio.timeout(options.timeout):
            reply = await first_reply(room, asked)
    except TimeoutError:
        return report(f"Nobody replied to #{asked.id} within {options.timeout} s.", FAILED)
    MessagePrinter.for_stdout(as_json=options.json).print(reply, to_you=True)
    return 0


async def first_reply(room: Room, asked: Message) -> Message:
    """Return the first reply of another agent to a message, once there is one."""
    after = asked.id
    while True:
        for reply in (await room.messages(after=after, reply_to=asked.id, wait=LONGEST_WAIT)).messages:
            # The agent may have added to its own question.
            if reply.agent_id != asked.agent_id:
                return reply
            after = reply.id
