"""A room in which everything happens that can happen keeps its promises; and if it did not, that would be seen."""

import os
import subprocess
import sys

import pytest

from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import Found, simulate

STEPS = 1_000
FEW = 300


@pytest.mark.parametrize("seed", range(10))
def test_a_room_keeps_its_promises(seed: int) -> None:
    """Whatever happens: acknowledged is stored once, streams have no gap, rates hold, and all nodes agree."""
    verdict = simulate(seed, STEPS)

    assert verdict.steps == STEPS


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 100))
def test_a_room_keeps_its_promises_in_more_worlds(seed: int) -> None:
    """As above, and in each world where mistakes are looked for."""
    test_a_room_keeps_its_promises(seed)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_is_seen(name: str) -> None:
    """Each mistake that is planted breaks a promise in one of a hundred worlds, and mostly in the first."""
    with MUTATIONS[name].planted(), pytest.raises(Found):
        worlds()


def worlds() -> None:
    for seed in range(100):
        simulate(seed, STEPS)


def digest(hash_seed: str) -> str:
    """The digest of a world's trace, in a process in which texts have other hashes."""
    program = f"from tests.simulation.run import simulate; print(simulate(1, {FEW}).digest)"
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_seed_replays_exactly() -> None:
    """Two runs of one seed are the same run, to the last turn, in any process."""
    first = digest("1")

    assert [digest("2"), f"{simulate(1, FEW).digest}\n"] == [first, first]


def test_another_seed_is_another_world() -> None:
    """The digest of a trace tells worlds apart."""
    assert simulate(1, FEW).digest != simulate(2, FEW).digest
