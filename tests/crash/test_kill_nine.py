"""A server that is killed at random moments loses nothing: python -m tests.crash does the same for longer."""

from pathlib import Path
from random import Random
from signal import SIGTERM

import pytest

from tests.crash.kills import Plan, run_plan


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
async def test_a_room_survives_kills_of_its_process(tmp_path: Path, rounds: int) -> None:
    """After any number of kill -9 no acknowledged message is lost, duplicated or has moved, none is there that nobody
    sent, every watcher that resumed received each message once, and the log is intact.
    """
    plan = Plan(Random().randrange(1_000_000), rounds)
    outcome = await run_plan(plan, tmp_path)

    assert outcome.faults() == {}, plan


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(200)])])
async def test_a_room_stopped_under_load_loses_nothing(tmp_path: Path, rounds: int) -> None:
    """Stopped under load, the process ends with exit code 0 within ten seconds; no acknowledged message is lost, and
    watchers resume.
    """
    plan = Plan(Random().randrange(1_000_000), rounds, by=SIGTERM, during_start=0)
    outcome = await run_plan(plan, tmp_path)

    assert outcome.faults() == {}, plan
    assert outcome.exit_codes == [0] * rounds
    assert max(outcome.stop_seconds) < 10
