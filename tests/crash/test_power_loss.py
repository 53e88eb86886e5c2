"""A power failure at any point loses nothing that was acknowledged: python -m tests.crash.power_loss tries more."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.crash.failing_disk import Disk, Flushes
from tests.crash.flush_trace import AGENTS, POSTS, Kind, Step, record
from tests.crash.power_loss import cut_power

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


async def recorded(tmp_path: Path) -> tuple[list[Step], str]:
    """Return the steps of a room under load, from its first start to its stop, and its folder."""
    folder = tmp_path / "room"
    folder.mkdir()
    return await record(folder), str(folder)


async def test_a_power_failure_loses_nothing(tmp_path: Path) -> None:
    """Whatever part of the unflushed data the disk holds, the room opens, with every acknowledged message once and at
    its position.
    """
    steps, folder = await recorded(tmp_path)
    seed = Random().randrange(1_000_000)
    disk = Disk(folder)
    for step in steps:
        disk.apply(step)
    wrong = [(point, faults) for point, faults in await cut_power(steps, folder, 100, seed) if faults]

    assert wrong == [], seed
    assert len(disk.acknowledged) > AGENTS * POSTS
    # The write-ahead file was begun anew meanwhile.
    assert sum(step.kind is Kind.WRITE and step.path.endswith("-wal") and step.offset == 0 for step in steps) > 1


async def test_a_missing_flush_is_noticed(tmp_path: Path) -> None:
    """If the flushes of the write-ahead file, the main file, checkpoint or the folder do nothing, faults are found."""
    steps, folder = await recorded(tmp_path)
    for missing in ("-wal", ".db", ".part", "room"):
        # The default binds this round's value.
        def flushes(path: str, suffix: str = missing) -> bool:
            return not path.endswith(suffix)

        assert await is_noticed(steps, folder, flushes), missing


async def is_noticed(steps: Sequence[Step], folder: str, flushes: Flushes) -> bool:
    """Return whether there are faults after cuts at up to 80 points. Most mistakes are noticed at one of the first."""
    for seed in range(8):
        if any(faults for _, faults in await cut_power(steps, folder, 10, seed, flushes)):
            return True
    return False
