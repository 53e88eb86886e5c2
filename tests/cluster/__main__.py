"""Disturb a room of three nodes: python -m tests.cluster --disturbances 200 --restarts 50 --seed 1."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster.chaos import Plan, run_plan


def main() -> int:
    """Run one plan and print what was found. The exit code is 1 if there are faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--disturbances", type=int, default=50, help="kill -9 or SIGSTOP of a node")
    parser.add_argument("--restarts", type=int, default=10, help="immediate restarts of PostgreSQL")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    plan = Plan(**vars(parser.parse_args()))
    folder = Path(tempfile.mkdtemp(prefix="cluster"))
    began = time.monotonic()
    verdict = asyncio.run(run_plan(plan, folder))
    lines = [f"{plan}: {time.monotonic() - began:.0f} s; {verdict}"]
    lines += [f"{kind}: {faults}" for kind, faults in verdict.faults().items()]
    sys.stdout.write("\n".join((*lines, "")))
    return 1 if verdict.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
