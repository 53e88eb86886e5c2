"""The server is killed at bad moments, and nobody notices but for the pause: python -m tests.crash does it longer."""

from pathlib import Path
from random import Random
from signal import SIGTERM

import pytest

from tests.crash.kills import Plan, killed


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
async def test_a_room_outlives_its_process(tmp_path: Path, rounds: int) -> None:
    """After any number of kill -9 nothing acknowledged is lost, doubled or has moved, nothing is there that nobody
    sent, every watcher that resumed heard each message once, and the log is sound.
    """
    plan = Plan(Random().randrange(1_000_000), rounds)
    outcome = await killed(plan, tmp_path)

    assert outcome.faults() == {}, plan


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(200)])])
async def test_a_room_that_is_told_to_stop_loses_nobody(tmp_path: Path, rounds: int) -> None:
    """Stopped under load, the process ends in order within ten seconds; nothing acknowledged is lost, and watchers
    resume.
    """
    plan = Plan(Random().randrange(1_000_000), rounds, by=SIGTERM, opening=0)
    outcome = await killed(plan, tmp_path)

    assert outcome.faults() == {}, plan
    assert outcome.codes == [0] * rounds
    assert max(outcome.ending) < 10
