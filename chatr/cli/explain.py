"""chatr explain."""

import argparse
from collections.abc import Iterator
from typing import Any, assert_never

from attrs import frozen

from chatr.adapters.http import render
from chatr.app import open_reader
from chatr.cli import agents
from chatr.cli.moment import FORMS, TOLD, moment, position, room_then
from chatr.cli.source import add_command, add_json, add_log, text
from chatr.cli.tables import print_json, print_part, print_table, time
from chatr.codec import NAMES, decode
from chatr.domain.agent import Agent
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
    agent_id,
)
from chatr.domain.decide import Settled, as_command, decide, rules_for
from chatr.domain.events import Event, Record
from chatr.domain.room import Room
from chatr.domain.rule import Refused
from chatr.past import position_of
from chatr.ports import LogReader
from chatr.settings import BadSetting


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = add_command(
        commands,
        "explain",
        "say why something was recorded, or would have been refused",
        "Say why: how things stood, what each rule said, and what came of it. Ask about the record at a position, or "
        f"about a post that was refused or never made. {TOLD}",
        "1042",
        '--agent Ada --at 2026-01-31T12:00 --post "Hello again"',
    )
    add_log(command)
    command.add_argument("position", metavar="POSITION", nargs="?", type=position, help="the record there")
    command.add_argument("--agent", metavar="NAME", type=text, help="who posts")
    command.add_argument("--at", metavar=FORMS, type=moment, help="when (default now)")
    command.add_argument("--post", metavar="TEXT", type=text, help="what is posted")
    command.add_argument("--idempotency-key", metavar="KEY", type=text, help="the Idempotency-Key that comes with it")
    add_json(command, "one JSON object")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    post = (options.agent, options.at, options.post, options.idempotency_key)
    if post != (None,) * 4 if options.position else None in (options.agent, options.post):
        raise BadSetting("Say what to explain: a POSITION, or --agent and --post.")
    async with open_reader(options.log) as log:
        case = await (supposed(log, options) if options.position is None else recorded(log, options.position))
    if options.json:
        print_json(as_json(case))
    else:
        show(case)
    return 0


@frozen
class Case:
    """A command, the room to which it was put, and the record that came of it if it was really put."""

    name: str
    command: Command
    room: Room
    record: Record | None = None

    @property
    def agent(self) -> Agent:
        return self.room.agent(self.command.agent)

    @property
    def outcome(self) -> Event | Settled | Refused:
        try:
            return decide(self.agent, self.command, self.room.house)
        except Refused as refused:
            return refused

    def verdicts(self) -> Iterator[tuple[str, str, bool]]:
        """Code and sentence of each rule in its order, and whether it holds; none was asked if a record answers."""
        if not isinstance(self.outcome, Settled):
            house = self.room.house
            for rule in rules_for(self.command):
                yield rule.code, rule.told(house.limits), rule.holds(self.agent, self.command, house)


async def recorded(log: LogReader, position: int) -> Case:
    """The record at `position`, as the node that decided it had seen the room."""
    await position_of(log, position)
    (stored,) = await log.read(position - 1, 1)
    record = decode(stored)
    command = as_command(record.event)
    then = await room_then(log, min(max(record.seen, 0), position - 1))
    name = command.name if isinstance(command, Register) else then.room.agent(command.agent).name
    return Case(name or "the operator", command, then.room, record)


async def supposed(log: LogReader, options: argparse.Namespace) -> Case:
    then = await room_then(log, options.at)
    command = Post(agent_id(options.agent), options.post, then.at, options.idempotency_key)
    return Case(then.room.agent(command.agent).name or options.agent, command, then.room)


def show(case: Case) -> None:
    limits, now = case.room.house.limits, case.command.at
    print_table([("asked", f"{case.name}: {told(case.command)}"), ("time", time(now))])
    known = agents.rows(case.agent, limits, now) if case.agent.registered else [("registered", "no")]
    before = [*known, ("limits", str(limits))]
    print_part(f"before, at position {case.room.position}", before)
    rules = [("holds" if holds else "REFUSES", code, sentence) for code, sentence, holds in case.verdicts()]
    print_part("rules", rules)
    print_part("outcome", [(sentence,) for sentence in outcome(case)])


def told(command: Command) -> str:
    """What is asked."""
    match command:
        case Register():
            return f"register as {command.name}"
        case Post():
            return f'post "{command.content}"'
        case Heartbeat():
            return "stay online"
        case Leave():
            return "leave"
        case StartVerification():
            return f"start verifying as {command.moltbook_name}"
        case CompleteVerification():
            return f"verify as {command.moltbook_name}"
        case AdoptLimits():
            return f"adopt these limits: {command.limits}"
        case _:
            assert_never(command)


def outcome(case: Case) -> Iterator[str]:
    found, record = case.outcome, case.record
    match found:
        case Refused():
            yield f"It is refused ({found.code}): {found}"
        case Settled():
            yield f"Record {found.position} answers it already, so nothing is recorded."
        case _ if record is not None:
            yield f"It is recorded as {NAMES[type(found)]} at position {record.position}."
        case _:
            yield f"It would be recorded as {NAMES[type(found)]}."
    if record is not None and found != record.event:
        yield f"Yet record {record.position} says otherwise. Ask chatr audit about this log."


def as_json(case: Case) -> dict[str, Any]:
    limits, now, agent = case.room.house.limits, case.command.at, case.agent
    return {
        "asked": told(case.command),
        "time": time(now),
        "position": case.record and case.record.position,
        "seen": case.room.position,
        "agent": agents.as_json(agent, limits, now) if agent.registered else None,
        "limits": render.limits(limits),
        "rules": [{"code": code, "rule": rule, "holds": holds} for code, rule, holds in case.verdicts()],
        "outcome": outcome_json(case.outcome),
    }


def outcome_json(found: Event | Settled | Refused) -> dict[str, Any]:
    match found:
        case Refused():
            return {"refused": found.code, "error": str(found)}
        case Settled():
            return {"settled": found.position}
        case _:
            return {"recorded": NAMES[type(found)]}
