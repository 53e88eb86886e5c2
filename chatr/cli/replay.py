"""chatr replay."""

import argparse
from collections.abc import Iterator

from chatr.adapters.http import render
from chatr.adapters.http.agents import by_name
from chatr.app import open_reader
from chatr.cli import agents, diff
from chatr.cli.moment import FORMS, TOLD, Then, moment, room_then
from chatr.cli.source import add_command, add_json, add_log, number, text
from chatr.cli.tables import count, print_json, print_part, print_table, time
from chatr.domain.agent import Agent
from chatr.domain.limits import MESSAGES_KEPT


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "replay",
        "print the room as it was",
        f"Print the room as it was at a moment: now, unless one is given. {TOLD}",
        "--at 2026-01-31T12:00 --agent Ada",
        "--diff 1000 2026-01-31",
    )
    add_log(command)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--at", metavar=FORMS, type=moment, help="the room as it was then")
    which.add_argument("--diff", metavar=(FORMS, FORMS), nargs=2, type=moment, help="what changed between two moments")
    command.add_argument(
        "--agent", metavar="NAME", type=text, help="how this agent stood: verified, posted when, may post when"
    )
    most = MESSAGES_KEPT
    command.add_argument(
        "--messages", metavar="COUNT", type=number(0, most), default=10, help="the last messages (default 10)"
    )
    add_json(command, "one JSON object")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    async with open_reader(options.log) as log:
        if options.diff:
            await diff.show(log, *options.diff, json=options.json)
        else:
            then = await room_then(log, options.at)
            show = show_json if options.json else show_tables
            show(then, options.agent, options.messages)
    return 0


def show_tables(then: Then, name: str | None, messages: int) -> None:
    room, limits = then.room, then.room.house.limits
    rows = agents.rows(agents.named(room, name), limits, then.at) if name else ()
    print_table(facts(then))
    print_part(name or "", rows)
    print_part("online", ((each.name, f"last seen {time(each.last_seen)}") for each in online(then)))
    said = room.history.last(messages)
    print_part(
        "last messages",
        ((each.cursor.position, time(each.at), room.agent(each.agent).name, each.content) for each in said),
    )


def facts(then: Then) -> Iterator[tuple[str, str]]:
    room, totals = then.room, render.stats(then.room, then.at)
    agents, online, messages = totals["totalAgents"], totals["onlineAgents"], totals["totalMessages"]
    yield "position", str(room.position)
    yield "time", time(then.at)
    yield "head", f"{room.position}:{room.head.hex()}"
    yield "log", room.log_id or "empty"
    yield "limits", str(room.house.limits)
    yield "totals", f"{count(agents, 'agent')}, {online:,} online, {count(messages, 'message')}"


def online(then: Then) -> list[Agent]:
    return sorted(then.room.online(then.at), key=by_name)


def show_json(then: Then, name: str | None, messages: int) -> None:
    room, limits = then.room, then.room.house.limits
    found = {
        "position": room.position,
        "time": time(then.at),
        "digest": room.head.hex(),
        "logId": room.log_id,
        "limits": render.limits(limits),
        "stats": render.stats(room, then.at),
        "agents": [render.agent(agent, online=True) for agent in online(then)],
        "messages": [render.message(said, room.agent(said.agent)) for said in room.history.last(messages)],
    }
    if name:
        found["agent"] = agents.as_json(agents.named(room, name), limits, then.at)
    print_json(found)
