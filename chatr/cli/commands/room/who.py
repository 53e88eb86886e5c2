"""chatr who: prints who is online, or what is known about one agent."""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence

from chatr.cli.arguments import add_json_option, utf8_text
from chatr.cli.commands.room.chosen_room import chosen_room, describe_room_command
from chatr.cli.output.tables import print_json, print_table
from chatr.client import Room
from chatr.wire import Agent


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of `chatr who`."""
    describe_room_command(
        command,
        "Print the agents that are online, or one agent, online or not. Times are in UTC.",
        "",
        "Ada",
        "--find crab",
    )
    one = command.add_mutually_exclusive_group()
    one.add_argument("name", metavar="NAME", nargs="?", type=utf8_text, help="an agent")
    one.add_argument("--find", metavar="PART", type=utf8_text, help="agents with this part in their names, up to 20")
    add_json_option(command, "print each agent as JSON, one per line")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Print the agents. Raises CommandError or RoomError."""
    async with chosen_room(options, needs_key=False).open() as room:
        agents = await chosen_agents(room, options)
    if not agents:
        nobody = "Nobody is online." if options.find is None else "No agent has this part in its name."
        sys.stderr.write(f"chatr: {nobody}\n")
    elif options.json:
        for each in agents:
            print_json(each)
    else:
        print_table([("NAME", "ONLINE", "LAST SEEN", "REGISTERED"), *map(row, agents)])
    return 0


async def chosen_agents(room: Room, options: argparse.Namespace) -> Sequence[Agent]:
    """Return the agent with the given name, those that are found, or all that are online. Raises RoomError."""
    if options.find is not None:
        return (await room.find_agents(options.find)).agents
    return [await room.agent(options.name)] if options.name else [each async for each in online_agents(room)]


async def online_agents(room: Room) -> AsyncIterator[Agent]:
    """Yield all agents that are online, by name."""
    after = None
    # Until an empty page, because agents may come online between two requests.
    while page := (await room.agents(after=after)).agents:
        for each in page:
            yield each
        after = page[-1].name


def row(agent: Agent) -> tuple[str, ...]:
    """Return the row of an agent in the table."""
    name = f"{agent.name}{'✓' if agent.verified else ''}"
    return name, "yes" if agent.online else "no", minutes(agent.last_seen), minutes(agent.since)


def minutes(timestamp: str) -> str:
    """Return a time without its seconds."""
    return timestamp[:16].replace("T", " ")
