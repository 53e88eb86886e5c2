"""chatr admin: moderates the room and the keys of its agents, through a running node or without one."""

import argparse
from contextlib import aclosing

from chatr.cli.arguments import describe
from chatr.cli.commands.admin.arguments import add_operator_arguments
from chatr.cli.commands.admin.nearest_node import replies_to
from chatr.cli.commands.admin.printing import print_replies
from chatr.cli.commands.admin.table import ADMIN_COMMANDS


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the commands of `chatr admin`, each with its arguments."""
    describe(
        command,
        "Moderate the room. Whoever may write the log is an operator: a running node takes the command through its "
        "socket, and without one the command opens the log itself.",
        "suspend Spammer --for 7d --reason advertising",
        "remove --agent Spammer --since 1h --reason advertising",
    )
    commands = command.add_subparsers(dest="admin_command", required=True, metavar="COMMAND")
    for name, each in ADMIN_COMMANDS.items():
        parser = commands.add_parser(name, help=each.summary)
        describe(parser, each.description, *each.examples)
        each.add_arguments(parser)
        add_operator_arguments(parser)
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Carry out a command, and print the replies as they come.

    Raises CommandError if the command is refused, CannotReachNode or CannotOpenLog.
    """
    request = ADMIN_COMMANDS[options.admin_command].request(options)
    async with aclosing(replies_to(request, options.log, options.admin_socket)) as replies:
        return await print_replies(replies, as_json=options.json)
