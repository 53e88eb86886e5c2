"""Simulate worlds of a thousand steps, one for each seed: python -m tests.simulation --steps 1000000 --seed 1."""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Final

from tqdm import tqdm

from tests.simulation.run import FaultFound, simulate

STEPS_PER_WORLD: Final = 1_000
"""Enough steps for everything to happen, and few enough to repeat a world in a second."""


def main() -> int:
    """Simulate until the steps are done or a fault is found. The exit code is 1 for a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="total number of steps (default 10000)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="seed of the first world (default: the time)"
    )
    options = parser.parse_args()
    done, code = 0, 0
    with tqdm(total=options.steps, unit="step", unit_scale=True, desc=f"seed {options.seed}", disable=None) as bar:
        try:
            for seed, steps in worlds(options.seed, options.steps):
                simulate(seed, steps)
                done += steps
                bar.update(steps)
        except FaultFound as fault:
            code = 1
            bar.write("\n".join((*fault.trace, f"After {fault.steps} steps: {fault}", f"Repeat: {fault.command}")))
        except KeyboardInterrupt:
            code = 130
    sys.stdout.write(f"{done} steps from seed {options.seed} without a fault.\n")
    return code


def worlds(seed: int, steps: int) -> Iterator[tuple[int, int]]:
    """Yield the seed and the number of steps of each world."""
    for number in range(-(-steps // STEPS_PER_WORLD)):
        yield seed + number, min(STEPS_PER_WORLD, steps - number * STEPS_PER_WORLD)


if __name__ == "__main__":
    sys.exit(main())
