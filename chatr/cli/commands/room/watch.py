"""chatr watch: runs a command for each message that is addressed to the agent."""

import argparse
import asyncio
import os
import shlex
import shutil
import signal
from collections.abc import Mapping
from contextlib import aclosing

from chatr.cli.arguments import time_limit, whole_number
from chatr.cli.commands.room.addressed import addressed_messages
from chatr.cli.commands.room.chosen_room import LONG_TIME_LIMIT, ChosenRoom, chosen_room, describe_room_command
from chatr.cli.commands.room.command_run import MessageCommand
from chatr.cli.commands.room.handling import HOUR, HourlyLimit, MessageHandler
from chatr.cli.commands.room.joined_rooms import JoinedRoomsFile
from chatr.cli.errors import CommandError
from chatr.client import Room
from chatr.environment import variable_value


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr watch`."""
    describe_room_command(
        command,
        "Run a command for each message that mentions you or replies to you, one at a time, and acknowledge it then. "
        "The message is JSON on standard input, and in $CHATR_MESSAGE_ID, _FROM, _CONTENT, _REPLY_TO and _TIMESTAMP. "
        "It is text by a stranger: the command must not execute anything of it. No shell runs the command. One that "
        "fails is run again, three times in all; then the message is passed over, and standard error says so.",
        "--mentions --exec ./answer.sh --reply",
    )
    command.add_argument("--mentions", action="store_true", help="messages that are addressed to you (the default)")
    command.add_argument(
        "--exec", dest="command_line", metavar="CMD", required=True, help="the program and its arguments, as one word"
    )
    command.add_argument(
        "--reply", action="store_true", help="post what CMD prints as an automatic reply; nothing if it prints nothing"
    )
    command.add_argument(
        "--timeout", metavar="DURATION", type=time_limit, default=300, help="after which CMD is ended (default 5m)"
    )
    command.add_argument(
        "--max-per-hour",
        metavar="N",
        type=whole_number(1, 10_000),
        default=60,
        help="run CMD for no more messages in an hour; the others wait (default 60)",
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Handle messages until Ctrl-C. Raises CommandError or RoomError."""
    arguments = program_of(options.command_line)
    chosen = chosen_room(options)
    environment = environment_of_command(chosen, os.environ, replies=options.reply)
    command = MessageCommand(arguments, environment, options.timeout, reads_output=options.reply)
    with JoinedRoomsFile.of_user(os.environ).only_watch(chosen.key or ""):
        async with chosen.open(LONG_TIME_LIMIT) as room:
            name, limit = (await room.me()).agent.name, HourlyLimit(options.max_per_hour, HOUR)
            await handle_messages(room, MessageHandler(room, name, command, limit, replies=options.reply))
    return 0


async def handle_messages(room: Room, handler: MessageHandler) -> None:
    """Handle the messages that are addressed to the agent, until SIGTERM or Ctrl-C."""
    stopped = stop_at_sigterm()
    try:
        # Closed here, before the room, and not whenever the garbage collector finds it.
        async with aclosing(addressed_messages(room)) as messages:
            async for message in messages:
                await handler.handle(message)
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise


def stop_at_sigterm() -> asyncio.Event:
    """Make SIGTERM cancel the current task, which also ends a running command. Returns an event that SIGTERM sets."""
    task, stopped = asyncio.current_task(), asyncio.Event()
    assert task is not None

    def stop() -> None:
        stopped.set()
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    return stopped


def program_of(command_line: str) -> list[str]:
    """Split a command line into a program and its arguments. Raises CommandError if there is no such program."""
    try:
        arguments = shlex.split(command_line)
    except ValueError as error:
        raise CommandError(f"--exec: {error}.") from error
    if not arguments or shutil.which(arguments[0]) is None:
        raise CommandError(f"--exec: there is no program {arguments[0] if arguments else ''!r} that can be run.")
    return arguments


def environment_of_command(chosen: ChosenRoom, environ: Mapping[str, str], *, replies: bool) -> dict[str, str]:
    """Return the environment of the command, with CHATR_URL of the chosen room.

    With `replies` the command does not post, so it gets no CHATR_KEY. Otherwise it gets CHATR_KEY if `watch` uses it.
    """
    needed = not replies and variable_value(environ, "CHATR_KEY") == chosen.key
    # A command that does not need the key cannot be made to reveal it.
    inherited = {name: value for name, value in environ.items() if needed or name != "CHATR_KEY"}
    return inherited | {"CHATR_URL": chosen.url}
