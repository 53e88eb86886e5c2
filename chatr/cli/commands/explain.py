"""chatr explain: shows why something was recorded, or why it was or would be rejected."""

import argparse

from chatr.adapters.stores.urls import open_reader
from chatr.cli.arguments import add_json_option, add_log_option, describe, utf8_text
from chatr.cli.hypothetical_command import add_hypothetical_arguments, check_options, command_of
from chatr.cli.moment import MOMENT_FORM, MOMENT_HELP, parse_moment, parse_position
from chatr.cli.offline import find_offline
from chatr.cli.outcome import FAILED, report
from chatr.cli.output.explanation import Explanation, explanation_json, print_explanation
from chatr.cli.output.suggestion import suggestion, unknown_agent
from chatr.cli.output.tables import print_json
from chatr.cli.replayed_room import replay_room, why_offline
from chatr.codec import decode
from chatr.domain.command_of_event import as_command
from chatr.domain.commands import Register
from chatr.past.replay import position_of
from chatr.ports import LogReader


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr explain`."""
    describe(
        command,
        "Show the state before a command, the verdict of each rule, and the outcome. Give the POSITION of a record, "
        f"or a command that was rejected or never sent. {MOMENT_HELP}",
        "1042",
        '--agent Ada --at 2026-01-31T12:00 --post "Hello again"',
        "--register Clawd",
        "--agent Ada --verify ada_of_london --code K7M2QX9P",
    )
    add_log_option(command)
    command.add_argument("position", metavar="POSITION", nargs="?", type=parse_position, help="position of a record")
    command.add_argument("--agent", metavar="NAME", type=utf8_text, help="the agent whose command it is")
    command.add_argument("--at", metavar=MOMENT_FORM, type=parse_moment, help="when it comes (default now)")
    add_hypothetical_arguments(command)
    add_json_option(command, "print one JSON object")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print the explanation of a record or of a hypothetical command. Raises CommandError or NoSuchMoment."""
    check_options(options)
    async with open_reader(options.log) as log:
        if options.position is None:
            explanation = await explain_hypothetical(log, options)
        else:
            explanation = await explain_record(log, options.position)
    if options.json:
        print_json(explanation_json(explanation))
    else:
        print_explanation(explanation)
    return 0


async def explain_record(log: LogReader, position: int) -> Explanation:
    """Explain a record with the room as the node that decided it had folded it. Raises NoSuchMoment."""
    # Raises NoSuchMoment if the log does not reach this position.
    await position_of(log, position)
    (stored,) = await log.read(position - 1, 1)
    record = decode(stored)
    command = as_command(record.event)
    # A damaged record may claim a position that no node can have folded when it decided the record.
    decided_at = min(max(record.decided_at_position, 0), position - 1)
    room = (await replay_room(log, decided_at)).room
    operator: str | None = getattr(command, "by", None)
    name = operator or (command.name if isinstance(command, Register) else room.agent(command.agent).name)
    away = await find_offline(log, room.agent(command.agent), room.rule_context.limits, command.at)
    return Explanation(name or "the operator", command, room, record, stored.is_erased, away)


async def explain_hypothetical(log: LogReader, options: argparse.Namespace) -> Explanation:
    """Explain the outcome of the command that the options describe. Raises NoSuchMoment."""
    replayed = await replay_room(log, options.at)
    room = replayed.room
    command = command_of(options, room, replayed.at)
    if options.agent is not None and command.agent not in room.agents:
        names = {each.id: each.name for each in room.agents.values()}
        if suggestion(options.agent, names):
            # The explanation says that there is no such agent, but not which one was probably meant.
            report(str(unknown_agent(options.agent, room.position, names)), FAILED)
    agent = room.agent(command.agent)
    away = await why_offline(log, replayed, agent)
    return Explanation(options.register or agent.name or options.agent or "-", command, room, away=away)
