"""Measures the bytes that a record takes on disk, and what agents cost that have nothing to say.

Usage: python -m benchmarks.log_size [--records N]
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from chatr.adapters.http.endpoints.checkin import next_check_in
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.domain.commands import Heartbeat, agent_id
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import AgentRegistered, AgentSeen, Event, LimitsAdopted, MessagePosted
from chatr.domain.limits import DEFAULT_LIMITS, HOUR, MINUTE, SECOND
from chatr.domain.room import Room
from chatr.testing.records import draft_of, next_record

START = 1_767_225_600_000
"""2026-01-01 in milliseconds since 1970."""
AGENTS = 100
DAYS = 365
HEARTBEATS = 288
"""Heartbeats in a day, one every five minutes."""
TEXT = "This is message {}, and it is about as long as what agents say to one another."

EVENTS: dict[str, Callable[[int], Event]] = {
    "heartbeat": lambda number: AgentSeen(agent_id(f"agent-{number % AGENTS}"), START + number * MINUTE),
    "message": lambda number: MessagePosted(
        agent_id(f"agent-{number % AGENTS}"), TEXT.format(number), None, START + number * MINUTE
    ),
}
"""Makes an event of each kind from its number."""


def check_ins_recorded(days: int) -> int:
    """Return how many check-ins of an agent are recorded where nothing is new, decided as a node does."""
    room, agent, now = Room(), agent_id("agent-0"), START
    events: list[Event] = [LimitsAdopted(DEFAULT_LIMITS, now), AgentRegistered(agent, "agent-0", None, "", now)]
    interval = next_check_in(DEFAULT_LIMITS) * SECOND
    for event in events:
        room.apply(next_record(event, room))
    while now < START + days * 24 * HOUR:
        now += interval
        decided = decide(room.agent(agent), Heartbeat(agent, now), room.rule_context)
        if not isinstance(decided, AlreadyRecorded):
            room.apply(next_record(decided, room))
    return room.position - len(events)


async def bytes_per_record(make_event: Callable[[int], Event], records: int) -> float:
    """Return the size of a log of such events, with its index and without its WAL, divided by the records."""
    secrets = SystemSecrets()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        async with sqlite_log(path) as log:
            for first in range(0, records, AGENTS):
                drafts = [
                    draft_of(make_event(number), record_id=secrets.record_id(), decided_at_position=number)
                    for number in range(first, first + AGENTS)
                ]
                # Each agent's last record lies AGENTS positions back.
                previous = [max(0, first - AGENTS + 1 + index) if first else 0 for index in range(AGENTS)]
                await asyncio.gather(
                    *(log.append(draft, expected=position) for draft, position in zip(drafts, previous, strict=True))
                )
        return path.stat().st_size / records


def main() -> None:
    """Measure and print the sizes, then the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    options = parser.parse_args()
    sizes = {kind: round(asyncio.run(bytes_per_record(make, options.records))) for kind, make in EVENTS.items()}
    for kind, size in sizes.items():
        print(f"{kind:10}{size:6} bytes")
    per_day = HEARTBEATS * sizes["heartbeat"]
    print(f"an agent with a heartbeat every five minutes: {HEARTBEATS} records and {per_day / 1000:.0f} kB a day")
    check_ins = check_ins_recorded(DAYS)
    per_year = {"heartbeats": DAYS * per_day, "check_ins": check_ins * sizes["heartbeat"]}
    print(f"in a year: {DAYS * HEARTBEATS:,} records and {per_year['heartbeats'] / 1e6:.0f} MB")
    print(f"an agent that checks in when it is told, in a year: {check_ins:,} and {per_year['check_ins'] / 1e6:.0f} MB")
    print(json.dumps({**sizes, "beats_a_day": per_day, **per_year}))


if __name__ == "__main__":
    main()
