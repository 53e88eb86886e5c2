"""A server that is killed at random moments loses nothing: python -m tests.crash does the same for longer."""

import re
from pathlib import Path
from random import Random
from signal import SIGTERM

import pytest

from tests.conftest import Serve
from tests.crash.conftest import start_and_fail
from tests.crash.kills import Plan, run_plan


@pytest.mark.parametrize("rounds", [3, pytest.param(15, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
async def test_a_room_survives_kills_of_its_process(tmp_path: Path, rounds: int) -> None:
    """After any number of kill -9 no acknowledged message is lost, duplicated or has moved, none is there that nobody
    sent, every watcher that resumed received each message once, and the log is intact.
    """
    plan = Plan(Random().randrange(1_000_000), rounds)
    outcome = await run_plan(plan, tmp_path)

    assert outcome.faults() == {}, plan


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_watchers_that_are_behind_miss_nothing_of_a_room_at_full_speed(tmp_path: Path) -> None:
    """Agents post as fast as they can, and most watchers are a thousand messages behind or more when the room is
    killed: each resumes, and gets every acknowledged message once and in order, without a reset.
    """
    plan = Plan(Random().randrange(1_000_000), rounds=5, posters=16, messages=2_000, slow_watchers=5, stay=2_000)
    outcome = await run_plan(plan, tmp_path)

    assert outcome.faults() == {}, plan
    assert outcome.verdict.messages >= plan.rounds * plan.messages


@pytest.mark.long
def test_a_room_whose_write_ahead_file_was_removed_does_not_open(tmp_path: Path, serve: Serve) -> None:
    """After a kill without its -wal file, the server says so and ends with exit code 2, unless given --accept-loss."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db")
    server = serve(*flags)
    head_file = tmp_path / "chatr.db.head"
    # It is created before it is written.
    while not (head_file.exists() and head_file.stat().st_size):
        server.get("/health")
    server.kill()
    (tmp_path / "chatr.db-wal").unlink()
    refused = start_and_fail(tmp_path)
    accepted = serve(*flags, "--accept-loss")

    assert refused.returncode == 2
    assert re.fullmatch(r"chatr: The log at \S+ ends at record 0, and had 1: .*\n", refused.stderr)
    assert accepted.get("/api/messages")


@pytest.mark.long
@pytest.mark.timeout(200)
@pytest.mark.parametrize("rounds", [10])
async def test_a_room_stopped_under_load_loses_nothing(tmp_path: Path, rounds: int) -> None:
    """Stopped under load, the process ends with exit code 0 within ten seconds; no acknowledged message is lost, and
    watchers resume.
    """
    plan = Plan(Random().randrange(1_000_000), rounds, by=SIGTERM, during_start=0)
    outcome = await run_plan(plan, tmp_path)

    assert outcome.faults() == {}, plan
    assert outcome.exit_codes == [0] * rounds
    assert max(outcome.stop_seconds) < 10
