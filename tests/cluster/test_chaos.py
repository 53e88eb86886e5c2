"""A room keeps its promises while its nodes and its database fail. `python -m tests.cluster` runs longer plans."""

from pathlib import Path
from random import Random

import pytest

from tests.cluster.chaos import Plan, run_plan


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("disturbances", "restarts"), [(30, 6)])
async def test_a_room_survives_failing_nodes_and_databases(tmp_path: Path, disturbances: int, restarts: int) -> None:
    """No acknowledged message is lost, duplicated or moved, every watcher of every node received the same, rates
    held, and all nodes have the same chain hash.
    """
    plan = Plan(Random().randrange(1_000_000), disturbances, restarts)
    verdict = await run_plan(plan, tmp_path)

    assert verdict.faults() == {}, plan
