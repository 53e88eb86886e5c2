"""A room keeps its promises whatever happens, and the simulation would notice if it did not."""

import gc
import os
import subprocess
import sys
from typing import Final

import pytest

from tests.simulation.check_in_mutations import CHECK_IN_MUTATIONS
from tests.simulation.mutations import MUTATIONS
from tests.simulation.operator_mutations import OPERATOR_MUTATIONS
from tests.simulation.run import FaultFound, simulate

ALL_MUTATIONS: Final = MUTATIONS | OPERATOR_MUTATIONS | CHECK_IN_MUTATIONS
NOTICED_IN: Final = {
    "drop nobody": 6,
    "erase at the start only": 14,
    "erase before the record": 4,
    "forget what was acknowledged": 14,
    "join before flush": 2,
    "leave removals out on resume": 1,
    "leave texts in cached frames": 14,
    "leave texts in the checkpoint": 13,
    "let a grace never end": 3,
    "lose restored messages": 8,
    "post with a void key": 4,
    "record no acknowledgement at once": 14,
    "send hidden messages": 1,
}
"""The world that notices a mistake soonest, where world 0 does not notice it, or only near its end."""
WORLDS: Final = 20
"""Worlds that are simulated; each mistake is noticed in one of them."""
STEPS: Final = 1_000
FEW_STEPS: Final = 300


@pytest.mark.parametrize("seed", range(2))
def test_a_room_keeps_its_promises(seed: int) -> None:
    """Whatever happens, acknowledged messages are stored once, streams have no gap, rates hold, and nodes agree."""
    outcome = simulate(seed, STEPS)

    assert outcome.steps == STEPS


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, WORLDS))
def test_a_room_keeps_its_promises_in_more_worlds(seed: int) -> None:
    """The same holds in each world in which mistakes are looked for."""
    test_a_room_keeps_its_promises(seed)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] * (name in NOTICED_IN)) for name in ALL_MUTATIONS],
)
def test_a_mistake_is_noticed(name: str) -> None:
    """Each mistake breaks a promise in one of twenty worlds, mostly in the first."""
    with ALL_MUTATIONS[name].in_effect(), pytest.raises(FaultFound):
        simulate_all(NOTICED_IN.get(name, 0))


def simulate_all(first: int) -> None:
    """Simulate every world of the tests, beginning with the seed `first`."""
    for seed in range(first, first + WORLDS):
        simulate(seed % WORLDS, STEPS)


def digest(hash_seed: str) -> str:
    """The digest of a world's trace, in a process in which strings have other hashes."""
    program = f"from tests.simulation.run import simulate; print(simulate(1, {FEW_STEPS}).digest)"
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.long
def test_a_seed_repeats_a_world_exactly() -> None:
    """Two runs of one seed have the same trace, in any process."""
    first = digest("1")

    assert [digest("2"), f"{simulate(1, FEW_STEPS).digest}\n"] == [first, first]


@pytest.mark.long
def test_another_seed_is_another_world() -> None:
    """Worlds of different seeds have different traces."""
    assert simulate(1, FEW_STEPS).digest != simulate(2, FEW_STEPS).digest


@pytest.mark.long
def test_a_world_leaves_nothing_exempt_from_garbage_collection() -> None:
    """The objects of a world can be freed after it, so that a million steps do not fill the memory."""
    simulate(0, STEPS)  # one in which a node reads a checkpoint

    assert gc.get_freeze_count() == 0
