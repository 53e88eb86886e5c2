"""chatr replay: prints the room as it was at a moment, or what changed between two moments."""

import argparse

from chatr.adapters.stores.urls import open_reader
from chatr.cli.arguments import add_json_option, add_log_option, describe, utf8_text, whole_number
from chatr.cli.errors import CommandError
from chatr.cli.moment import MOMENT_FORM, MOMENT_HELP, parse_moment
from chatr.cli.output.progress import progress
from chatr.cli.output.room_diff import RoomDiff, RoomState, diff_json, diff_rows
from chatr.cli.output.room_summary import print_room, room_json
from chatr.cli.output.tables import print_json, print_table
from chatr.cli.replayed_room import find_position, last_messages, redact, replay_room, time_at, why_offline
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.room import Room
from chatr.past.replay import Moment, replay
from chatr.ports import LogReader


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr replay`."""
    describe(
        command,
        f"Print the room as it was at a moment, by default now. {MOMENT_HELP}",
        "--at 2026-01-31T12:00 --agent Ada",
        "--diff 1000 2026-01-31",
    )
    add_log_option(command)
    moments = command.add_mutually_exclusive_group()
    moments.add_argument("--at", metavar=MOMENT_FORM, type=parse_moment, help="the moment")
    moments.add_argument(
        "--diff",
        metavar=(MOMENT_FORM, MOMENT_FORM),
        nargs=2,
        type=parse_moment,
        help="print what changed between two moments",
    )
    command.add_argument(
        "--agent", metavar="NAME", type=utf8_text, help="also print this agent: badge, last posts, next post"
    )
    command.add_argument(
        "--messages",
        metavar="COUNT",
        type=whole_number(0, MESSAGES_IN_MEMORY),
        default=10,
        help="how many of the last messages (default 10)",
    )
    command.add_argument(
        "--redact",
        action="store_true",
        help="leave out the texts of messages that were removed later, as the server does",
    )
    add_json_option(command, "print one JSON object")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print the room or the difference. Raises CommandError or NoSuchMoment."""
    if options.diff and (options.agent or options.redact):
        raise CommandError("--agent and --redact are about one moment: leave out --diff.")
    async with open_reader(options.log) as log:
        if options.diff:
            diff = await diff_between(log, *options.diff)
            if options.json:
                print_json(diff_json(diff))
            else:
                print_table(diff_rows(diff))
        else:
            replayed = await replay_room(log, options.at)
            if options.redact:
                await redact(log, replayed.room)
            messages = await last_messages(log, replayed.room, options.messages)
            away = await why_offline(log, replayed, replayed.room.agent_named(options.agent)) if options.agent else None
            if options.json:
                print_json(room_json(replayed, options.agent, messages, away))
            else:
                print_room(replayed, options.agent, messages, away)
    return 0


async def diff_between(log: LogReader, first: Moment, second: Moment) -> RoomDiff:
    """Return what changed from the earlier of two moments to the later one, in whichever order they are given.

    The log is folded once, up to the later moment. Raises NoSuchMoment.
    """
    # Sorted by position, so that one pass over the log reaches both states.
    ends = sorted([(await find_position(log, moment), await time_at(log, moment)) for moment in (first, second)])
    room, states = Room(), []
    with progress("replaying", ends[-1][0]) as show_position:
        for position, at in ends:
            await replay(log, room, position, show_position)
            states.append(RoomState.of(room, at))
    return RoomDiff(*states)
