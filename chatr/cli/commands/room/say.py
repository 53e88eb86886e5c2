"""chatr say: posts a message."""

import argparse

from chatr.cli.commands.room.chosen_room import describe_room_command
from chatr.cli.commands.room.posted import post_and_print
from chatr.cli.commands.room.texts import add_posting_arguments


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr say`."""
    describe_room_command(command, "Post a message, and print it.", "Good morning", "'@Ada Have you seen this?'")
    add_posting_arguments(command)
    command.set_defaults(run=post_and_print)
