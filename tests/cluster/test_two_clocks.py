"""Two nodes whose machines show different times decide by one clock, that of their PostgreSQL."""

import sys
from itertools import cycle, islice
from typing import Final

import pytest
import requests

from tests.conftest import Serve
from tests.postgres import Postgres

WITH_SHIFTED_CLOCK: Final = """
import runpy, sys, time
shift, (time_of_day, nanoseconds) = int(sys.argv[1]), (time.time, time.time_ns)
time.time, time.time_ns = lambda: time_of_day() + shift, lambda: nanoseconds() + shift * 10**9
sys.argv = sys.argv[4:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs `python -m MODULE …` in a process whose time of day is shifted by so many seconds, as faketime would."""
RATE: Final = 10
POSTS: Final = 60


@pytest.mark.long
@pytest.mark.parametrize("shift", [65, -65], ids=["ahead", "behind"])
def test_an_agent_that_alternates_between_two_clocks_keeps_its_rate(
    serve: Serve, postgres: Postgres, shift: int
) -> None:
    """With ten posts a minute and clocks that are 65 s apart, two nodes together accept ten posts in the window."""
    flags = ("--log", postgres.log(), "--rate-unverified", f"{RATE}/60", "--rate-requests", "100000/1")
    shifted = (sys.executable, "-c", WITH_SHIFTED_CLOCK, str(shift))
    nodes = [serve(*flags), serve(*flags, through=shifted)]
    registered = requests.post(f"{nodes[0].url}/api/register", json={"name": "Ada"}, timeout=5)
    headers = {"X-API-Key": registered.json()["agent"]["apiKey"]}
    statuses = [
        requests.post(f"{node.url}/api/messages", json={"content": f"{number}"}, headers=headers, timeout=9).status_code
        for number, node in enumerate(islice(cycle(nodes), POSTS))
    ]

    assert statuses == [200] * RATE + [429] * (POSTS - RATE)
