"""A room killed any number of times: python -m tests.crash --rounds 1000 --seed 1."""

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

from tests.crash.kills import Outcome, Plan, killed

SEASON = 100
"""Rounds on one log, until it is judged and another one begins."""


def seasons(seed: int, rounds: int) -> list[Plan]:
    return [Plan(seed + number, min(SEASON, rounds - number * SEASON)) for number in range(-(-rounds // SEASON))]


def season(plan: Plan, bar: "tqdm[Never]") -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="crash"))
    try:
        outcome = asyncio.run(killed(plan, folder, bar.update))
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    if outcome.faults():
        bar.write(f"{plan}: {outcome.faults()}; its log is in {folder}", file=sys.stdout)
    else:
        shutil.rmtree(folder)
    return outcome


def summary(outcomes: list[Outcome], seconds: float) -> str:
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        for kind, found in asdict(outcome.verdict).items():
            counts[kind] += len(found) if isinstance(found, list) else found
    back = [each for outcome in outcomes for each in outcome.back]
    told = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in counts.items())
    sound = sum(outcome.integrity == "ok" and not outcome.audit for outcome in outcomes)
    return (
        f"{len(back)} rounds in {seconds:.0f} s: {told}; {sound} of {len(outcomes)} logs sound and audited.\n"
        f"Back in service after {median(back):.2f} s in the median, {max(back):.2f} s at worst.\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    began = time.monotonic()
    code = 0
    with tqdm(total=options.rounds, unit="kill", desc=f"seed {options.seed}") as bar:
        try:
            outcomes.extend(season(plan, bar) for plan in seasons(options.seed, options.rounds))
        except KeyboardInterrupt:
            code = 130
    if outcomes:
        sys.stdout.write(summary(outcomes, time.monotonic() - began))
    return code or any(outcome.faults() for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
