"""Every benchmark runs, with small numbers, and prints its figures."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.requirements import skip_or_fail

REQUIRED_PACKAGES = ("aiohttp_sse", "eventsourcing", "matplotlib", "psutil", "sse_starlette", "uvicorn")
BENCHMARKS = {
    "-m benchmarks.append": "--seconds 0.1 --nodes 2",
    "-m benchmarks.asking": "--seconds 0.3 --rounds 1 --publishers 2",
    "-m benchmarks.behind": "--watchers 10 --missed 500 --reading --spread --seconds 30",
    "benchmarks/commit.py": "--seconds 0.05 --rounds 1",
    "-m benchmarks.fanout": "--watchers 10 --seconds 0.3 --rounds 1",
    "-m benchmarks.growth": "--most 100 --seconds 0.3",
    "benchmarks/links.py": "",
    "-m benchmarks.log_size": "--records 200",
    "benchmarks/past.py": "--messages 200 --looks 5",
    "benchmarks/replay.py": "--messages 2000 --agents 20 --rounds 1",
    "-m benchmarks.search": "--messages 500",
    "-m benchmarks.soak": "--minutes 0.1 --streams 5 --posts 20",
    "benchmarks/startup.py": "--messages 200 --agents 20 --checkpoint",
    "-m benchmarks.tokens": "",  # fails if a row costs more than its budget
}


@pytest.mark.long
@pytest.mark.parametrize(("benchmark", "options"), BENCHMARKS.items())
def test_a_benchmark_prints_its_figures(benchmark: str, options: str) -> None:
    """A benchmark prints a table, and its figures as JSON in the last line."""
    if not all(map(find_spec, REQUIRED_PACKAGES)):
        skip_or_fail("benchmarks need packages: pip install '.[bench]'")
    command = [sys.executable, *benchmark.split(), *options.split()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    *table, figures = ended.stdout.splitlines()

    assert ended.returncode == 0, ended.stderr
    assert table
    assert json.loads(figures)


@pytest.mark.long
def test_a_request_takes_as_long_in_a_larger_room() -> None:
    """With ten times as many agents, messages and agents online, no request takes five times as long."""
    command = [sys.executable, "-m", "benchmarks.strangers", "--short"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stderr
    small, large = json.loads(ended.stdout.splitlines()[-1])
    medians = {
        row["path"]: (row["path_p50"], after["path_p50"])
        for row, after in zip(small["rows"], large["rows"], strict=False)
    }

    # A few milliseconds are the noise of a busy machine.
    assert {path: both for path, both in medians.items() if both[1] > 5 * both[0] + 10} == {}


@pytest.mark.long
def test_costs_are_flat_or_grow_as_the_room_does() -> None:
    """With ten times the agents and messages no request costs much more, and memory and starts not much more than that.

    `python -m benchmarks.growth` looks at a hundred times as many.
    """
    command = [sys.executable, "-m", "benchmarks.rooms", "--largest", "10000", "--seconds", "0.2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
