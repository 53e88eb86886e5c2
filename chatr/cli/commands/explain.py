"""chatr explain: shows why something was recorded, or why a post was or would be rejected."""

import argparse

from chatr.adapters.stores.urls import open_reader
from chatr.cli.arguments import add_json_option, add_log_option, describe, utf8_text
from chatr.cli.errors import CommandError
from chatr.cli.moment import MOMENT_FORM, MOMENT_HELP, parse_moment, parse_position
from chatr.cli.outcome import FAILED, report
from chatr.cli.output.explanation import Explanation, explanation_json, print_explanation
from chatr.cli.output.suggestion import suggestion, unknown_agent
from chatr.cli.output.tables import print_json
from chatr.cli.replayed_room import replay_room
from chatr.codec import decode
from chatr.domain.command_of_event import as_command
from chatr.domain.commands import Post, Register, agent_id
from chatr.past.replay import position_of
from chatr.ports import LogReader


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr explain`."""
    describe(
        command,
        "Show the state before a command, the verdict of each rule, and the outcome. Give the POSITION of a record, "
        f"or --agent and --post for a post that was rejected or never sent. {MOMENT_HELP}",
        "1042",
        '--agent Ada --at 2026-01-31T12:00 --post "Hello again"',
    )
    add_log_option(command)
    command.add_argument("position", metavar="POSITION", nargs="?", type=parse_position, help="position of a record")
    command.add_argument("--agent", metavar="NAME", type=utf8_text, help="the agent that posts")
    command.add_argument("--at", metavar=MOMENT_FORM, type=parse_moment, help="when it posts (default now)")
    command.add_argument("--post", metavar="TEXT", type=utf8_text, help="the text of the post")
    command.add_argument("--idempotency-key", metavar="KEY", type=utf8_text, help="the Idempotency-Key of the post")
    add_json_option(command, "print one JSON object")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print the explanation of a record or of a hypothetical post. Raises CommandError or NoSuchMoment."""
    post_options = (options.agent, options.at, options.post, options.idempotency_key)
    # Either a position alone, or at least an agent and a text.
    if post_options != (None,) * 4 if options.position else None in (options.agent, options.post):
        raise CommandError("Give a POSITION, or --agent and --post.")
    async with open_reader(options.log) as log:
        if options.position is None:
            explanation = await explain_post(log, options)
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
    return Explanation(name or "the operator", command, room, record, stored.is_erased)


async def explain_post(log: LogReader, options: argparse.Namespace) -> Explanation:
    """Explain the outcome of the post that the options describe. Raises NoSuchMoment."""
    replayed = await replay_room(log, options.at)
    agent = replayed.room.agent_named(options.agent).id or agent_id(options.agent)
    names = {each.id: each.name for each in replayed.room.agents.values()}
    if agent not in names and suggestion(options.agent, names):
        # The explanation says that there is no such agent, but not which one was probably meant.
        report(str(unknown_agent(options.agent, replayed.room.position, names)), FAILED)
    command = Post(agent, options.post, replayed.at, options.idempotency_key)
    return Explanation(replayed.room.agent(command.agent).name or options.agent, command, replayed.room)
