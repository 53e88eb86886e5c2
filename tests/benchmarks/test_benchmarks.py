"""Every benchmark runs, with small numbers, and prints its figures."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.requirements import skip_or_fail

REQUIRED_PACKAGES = ("aiohttp_sse", "eventsourcing", "matplotlib", "psutil", "sse_starlette", "uvicorn")
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
