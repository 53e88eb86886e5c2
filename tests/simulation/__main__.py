"""Simulate worlds of a thousand steps, one for each seed: python -m tests.simulation --steps 1000000 --seed 1."""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Final

from tqdm import tqdm

from tests.simulation.run import Found, simulate

WORLD: Final = 1_000
"""Steps of one world: long enough for all to happen, short enough to be replayed at once."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="in all (default 10000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first world (default: the time)")
    options = parser.parse_args()
    done, code = 0, 0
    with tqdm(total=options.steps, unit="step", unit_scale=True, desc=f"seed {options.seed}", disable=None) as bar:
        try:
            for seed, steps in worlds(options.seed, options.steps):
                simulate(seed, steps)
                done += steps
                bar.update(steps)
        except Found as found:
            code = 1
            bar.write("\n".join((*found.trace, f"After {found.steps} steps: {found}", f"Again: {found.again}")))
        except KeyboardInterrupt:
            code = 130
    sys.stdout.write(f"{done} steps from seed {options.seed} without a fault.\n")
    return code


def worlds(seed: int, steps: int) -> Iterator[tuple[int, int]]:
    """The seed and the steps of each."""
    for number in range(-(-steps // WORLD)):
        yield seed + number, min(WORLD, steps - number * WORLD)


if __name__ == "__main__":
    sys.exit(main())
