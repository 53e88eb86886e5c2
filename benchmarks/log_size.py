"""Measures the bytes that a record takes on disk: python -m benchmarks.log_size [--records N]."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentSeen, Event, MessagePosted
from chatr.domain.limits import MINUTE
from chatr.testing.records import draft_of

START = 1_767_225_600_000
"""2026-01-01 in milliseconds since 1970."""
AGENTS = 100
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
    print(json.dumps({**sizes, "beats_a_day": per_day}))


if __name__ == "__main__":
    main()
