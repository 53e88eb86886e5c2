"""A log that one process writes keeps the contract for those who read it from another."""

import pytest

from chatr.adapters import sqlite
from chatr.testing.contract.reads import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.tails import *  # noqa: F403 -- as above

pytestmark = pytest.mark.parametrize("open_log", ["observed"], indirect=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads from outside looks now and then whether there is more: here all the time."""
    monkeypatch.setattr(sqlite, "POLL", 0.0)
