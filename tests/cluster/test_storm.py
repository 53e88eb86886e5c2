"""Three nodes and their database in a storm: python -m tests.cluster has it stronger and longer."""

from pathlib import Path
from random import Random

import pytest

from tests.cluster.storm import Plan, storm


@pytest.mark.parametrize(
    ("disturbances", "restarts"),
    [(6, 2), pytest.param(50, 10, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
async def test_a_room_comes_through_a_storm(tmp_path: Path, disturbances: int, restarts: int) -> None:
    """Whatever is killed, frozen and restarted: nothing acknowledged is lost or doubled or has moved, every watcher of
    every node heard the same, the rates were kept, and all nodes have the same head.
    """
    plan = Plan(Random().randrange(1_000_000), disturbances, restarts)
    verdict = await storm(plan, tmp_path)

    assert verdict.faults() == {}, plan
