"""Whoever measures the room again can: every benchmark runs as it says."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.able import unable

BROUGHT = ("aiohttp_sse", "eventsourcing", "matplotlib", "psutil", "sse_starlette", "uvicorn")
BENCHMARKS = {
    "-m benchmarks.append": "--seconds 0.1",
    "-m benchmarks.asking": "--seconds 0.3 --rounds 1 --publishers 2",
    "benchmarks/commit.py": "--seconds 0.05 --rounds 1",
    "-m benchmarks.fanout": "--watchers 10 --seconds 0.3 --rounds 1",
    "-m benchmarks.growth": "--most 100 --seconds 0.3",
    "benchmarks/links.py": "",
    "-m benchmarks.log_size": "--records 200",
    "benchmarks/past.py": "--messages 200 --looks 5",
    "benchmarks/replay.py": "--messages 2000 --agents 20 --rounds 1",
    "-m benchmarks.soak": "--minutes 0.1 --streams 5 --posts 20",
    "benchmarks/startup.py": "--messages 200 --agents 20 --checkpoint",
}


@pytest.mark.long
@pytest.mark.parametrize(("benchmark", "small"), BENCHMARKS.items())
def test_a_benchmark_measures(benchmark: str, small: str) -> None:
    """It prints a table for people, and in the last line its figures for programs."""
    if not all(map(find_spec, BROUGHT)):
        unable("benchmarks need what pip install '.[bench]' brings")
    command = [sys.executable, *benchmark.split(), *small.split()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    *table, figures = ran.stdout.splitlines()

    assert ran.returncode == 0, ran.stderr
    assert table
    assert json.loads(figures)
