"""Runs a `chatr` that writes down how long its event loop did nothing else.

Usage: python -m benchmarks.loop_pauses FILE serve [OPTIONS of chatr serve]

Each line of FILE is a pause: the end of it as a time of `time.monotonic`, and its milliseconds. A pause is not longer
than the CPU time that the process used meanwhile, so that other programs on the machine cause none. The file gives
no pause in which the loop waits for a disk.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO

from chatr.app import background
from chatr.cli import main as cli
from chatr.cli.commands import serve

LOOK_INTERVAL = 0.002
SHORTEST = 0.004
"""Seconds of the shortest pause that is written down."""


async def record_pauses(file: TextIO) -> None:
    """Write down each pause of the running loop, for ever."""
    while True:
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(LOOK_INTERVAL)
        pause = min(time.monotonic() - began - LOOK_INTERVAL, time.process_time() - cpu)
        if pause > SHORTEST:
            file.write(f"{time.monotonic()} {1_000 * pause:.1f}\n")
            file.flush()


def longest_pause(path: Path, since: float) -> float:
    """Return the milliseconds of the longest pause that ended after `since`, as far as it is written down; 0 = none."""
    pauses = (map(float, line.split()) for line in path.read_text().splitlines())
    return max((pause for ended, pause in pauses if ended > since), default=0.0)


def main() -> None:
    """Run the command with `serve.run` in a wrapper."""
    path, *arguments = sys.argv[1:]
    served = serve.run

    with Path(path).open("a") as file:

        async def run(options: argparse.Namespace) -> int:
            async with background(record_pauses(file)):
                return await served(options)

        serve.run = run
        cli.main(arguments)


if __name__ == "__main__":
    main()
