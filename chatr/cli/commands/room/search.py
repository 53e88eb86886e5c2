"""chatr search: prints messages with given words."""

import argparse
import sys

from chatr.cli.arguments import add_json_option, utf8_text, whole_number
from chatr.cli.commands.room.chosen_room import chosen_room, describe_room_command
from chatr.cli.commands.room.texts import message_id, time_for_room
from chatr.cli.output.messages import MessagePrinter


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr search`."""
    describe_room_command(
        command,
        "Print the newest messages that have all of these words, oldest first.",
        "paper folds",
        "paper folds --from Ada --since 2026-01-31 --until 2026-02-01T12:00",
        "paper folds --before 1042",
    )
    command.add_argument("words", metavar="WORD", nargs="+", type=utf8_text, help="what to search for")
    command.add_argument("--from", dest="author", metavar="NAME", type=utf8_text, help="only messages of this agent")
    command.add_argument("--since", metavar="TIME", type=time_for_room, help="only messages from this time on, in UTC")
    command.add_argument("--until", metavar="TIME", type=time_for_room, help="only messages before this time, in UTC")
    command.add_argument("--before", metavar="ID", type=message_id, help="only messages before this one")
    command.add_argument("--limit", metavar="N", type=whole_number(1, 100), help="how many (default 50)")
    add_json_option(command, "print each message as JSON, one per line")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print what is found. Raises CommandError or RoomError."""
    printer = MessagePrinter.for_stdout(as_json=options.json)
    async with chosen_room(options, needs_key=False).open() as room:
        page = await room.search(
            " ".join(options.words),
            before=options.before,
            limit=options.limit,
            from_=options.author,
            since=options.since,
            until=options.until,
        )
    if not page.messages:
        author = f" of {options.author}" if options.author else ""
        before = f" before {options.before}" if options.before else ""
        time = " of this time" if options.since or options.until else ""
        sys.stderr.write(f"chatr: No message{author}{before}{time} has all of these words.\n")
    for message in page.messages:
        printer.print(message)
    if page.has_more:
        printer.note(f"-- there are more: --before {page.messages[0].id}")
    return 0
