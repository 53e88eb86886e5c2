"""Kills a room any number of times: python -m tests.crash --rounds 1000 --seed 1."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Never

from attrs import asdict
from tqdm import tqdm

from tests.crash.kills import Outcome, Plan, run_plan

ROUNDS_PER_LOG = 100
"""Kills on one log, after which it is verified, and another one begins."""


def plans(seed: int, rounds: int) -> list[Plan]:
    """Divide the rounds into plans, each with a log and a seed of its own."""
    count = -(-rounds // ROUNDS_PER_LOG)
    return [Plan(seed + number, min(ROUNDS_PER_LOG, rounds - number * ROUNDS_PER_LOG)) for number in range(count)]


def run_and_report(plan: Plan, bar: "tqdm[Never]") -> Outcome:
    """Run a plan in a temporary folder; print its faults, and keep the folder if there are any."""
    folder = Path(tempfile.mkdtemp(prefix="crash"))
    try:
        outcome = asyncio.run(run_plan(plan, folder, bar.update))
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    if outcome.faults():
        bar.write(f"{plan}: {outcome.faults()}; its log is in {folder}", file=sys.stdout)
    else:
        shutil.rmtree(folder)
    return outcome


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """Return two lines for people about all outcomes."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        for kind, value in asdict(outcome.verdict).items():
            counts[kind] += len(value) if isinstance(value, list) else value
    recoveries = [each for outcome in outcomes for each in outcome.recovery_seconds]
    totals = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in counts.items())
    sound = sum(outcome.integrity == "ok" and not outcome.audit for outcome in outcomes)
    return (
        f"{len(recoveries)} rounds in {seconds:.0f} s: {totals}; {sound} of {len(outcomes)} logs sound and audited.\n"
        f"Back in service after {median(recoveries):.2f} s in the median, {max(recoveries):.2f} s at worst.\n"
    )


def main() -> int:
    """Run as many rounds as the command line says, and return the exit code: 1 for faults, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    began = time.monotonic()
    code = 0
    with tqdm(total=options.rounds, unit="kill", desc=f"seed {options.seed}") as bar:
        try:
            outcomes.extend(run_and_report(plan, bar) for plan in plans(options.seed, options.rounds))
        except KeyboardInterrupt:
            code = 130
    if outcomes:
        sys.stdout.write(summary(outcomes, time.monotonic() - began))
    return code or any(outcome.faults() for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
