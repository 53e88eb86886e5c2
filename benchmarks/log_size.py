"""How much room on disk a record takes: python -m benchmarks.log_size [--records N]."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from chatr.adapters.sqlite import sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.codec import encode
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentSeen, Event, MessagePosted
from chatr.domain.limits import MINUTE

START = 1_767_225_600_000
AGENTS = 100
BEATS = 288
"""A day of heartbeats, one every five minutes."""
TEXT = "This is message {}, and it is about as long as what agents say to one another."

KINDS: dict[str, Callable[[int], Event]] = {
    "heartbeat": lambda number: AgentSeen(agent_id(f"agent-{number % AGENTS}"), START + number * MINUTE),
    "message": lambda number: MessagePosted(
        agent_id(f"agent-{number % AGENTS}"), TEXT.format(number), None, START + number * MINUTE
    ),
}


async def bytes_each(make: Callable[[int], Event], records: int) -> float:
    """Of a log of nothing else, with its index, once all is brought home."""
    secrets = SystemSecrets()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        async with sqlite_log(path) as log:
            for first in range(0, records, AGENTS):
                drafts = [
                    encode(make(number), record_id=secrets.record_id(), seen=number)
                    for number in range(first, first + AGENTS)
                ]
                before = [max(0, first - AGENTS + 1 + place) if first else 0 for place in range(AGENTS)]
                await asyncio.gather(*(log.append(each, expected=at) for each, at in zip(drafts, before, strict=True)))
        return path.stat().st_size / records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    options = parser.parse_args()
    sizes = {kind: round(asyncio.run(bytes_each(make, options.records))) for kind, make in KINDS.items()}
    for kind, size in sizes.items():
        print(f"{kind:10}{size:6} bytes")
    a_day = BEATS * sizes["heartbeat"]
    print(f"an agent that beats every five minutes: {BEATS} records and {a_day / 1000:.0f} kB a day")
    print(json.dumps({**sizes, "beats_a_day": a_day}))


if __name__ == "__main__":
    main()
