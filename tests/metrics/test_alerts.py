"""The alert rules are valid, fire where they must, and ask for metrics that exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from chatr.adapters.metrics.counts import RecordCounts
from chatr.adapters.metrics.exposition import Exposition
from chatr.adapters.metrics.sources import NodeState, Sources
from chatr.adapters.stores.memory import MemoryLog
from chatr.testing.clock import SettableClock
from chatr.testing.nodes import node_on
from chatr.wire.errors import ErrorCode
from tests.conftest import OpenRoom
from tests.metrics.scrape import open_measured
from tests.requirements import skip_or_fail

RULES: Final = Path("deploy/alerts.yml")
CASES: Final = Path("tests/metrics/alerts.test.yml")
METRIC: Final = re.compile(r"\b(?:chatr|http|process)_[a-z_]+")
"""A name in a query. `up` is made by Prometheus itself."""


@frozen
class Verified:
    """A log of which the third record was altered."""

    verified_to: int = 2
    altered: int | None = 3


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run promtool."""
    if shutil.which("promtool") is None:
        skip_or_fail("promtool is not installed: it is part of Debian's package prometheus")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def queries() -> str:
    """Return the queries of all alerts."""
    found = re.findall(
        r"^        expr:(.*?)^        (?:for|labels):", RULES.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return "\n".join(found)


def test_the_rules_are_valid() -> None:
    """Prometheus can load them."""
    checked = promtool("check", "rules", RULES)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.long
def test_each_alert_fires_where_it_must_and_only_there() -> None:
    """In a room that is well none fires, and where everything is wrong all of them do."""
    tested = promtool("test", "rules", CASES)

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_each_alert_has_its_cases_and_says_what_to_do() -> None:
    """Each is in both cases, has a severity, and a summary of several sentences."""
    rules, cases = RULES.read_text("utf-8"), CASES.read_text("utf-8")
    names = re.findall(r"alert: (\w+)", rules)

    assert len(names) == len(set(names)) == rules.count("severity: ") == rules.count("summary: >-")
    assert [name for name in names if cases.count(f"{name},") != 1 or cases.count(f'"{name}"') != 1] == []


async def test_each_query_asks_for_metrics_that_exist(open_room: OpenRoom) -> None:
    """Every name, and every value of a label, is in a scrape of a running server."""
    measured = await open_measured(open_room)
    scrape = await measured.scrape()
    node = node_on(MemoryLog())
    state = NodeState(node, MemoryLog(), SettableClock(), RecordCounts(), Verified())
    names = scrape.names | set(METRIC.findall(Exposition(Sources(node=state)).text().decode()))
    asked = set(METRIC.findall(queries()))
    codes = set(re.findall(r"\w+", " ".join(re.findall(r'code=~?"([^"]+)"', queries()))))
    reasons = set(re.findall(r'reason!?="([^"]+)"', queries()))
    shown = {value for _, labels in scrape.samples for label, value in labels if label == "reason"}

    assert len(asked) > 8
    assert asked - names == set()
    assert codes - set(ErrorCode) == set()
    assert reasons - shown == set()


def test_a_verified_log_shows_how_far() -> None:
    """The position up to which records were checked, and the first one that was altered, are metrics of their own."""
    sources = Sources(node=NodeState(node_on(MemoryLog()), MemoryLog(), SettableClock(), RecordCounts(), Verified()))
    lines = Exposition(sources).text().decode().splitlines()

    assert "chatr_verified_position 2.0" in lines
    assert "chatr_altered_position 3.0" in lines
