"""The store keeps the contract of an event log."""

from functools import partial
from pathlib import Path

import jsonl_store
import pytest

from chatr.testing.contract.appends import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.cancelling import *  # noqa: F403 -- as above
from chatr.testing.contract.durable import *  # noqa: F403 -- as above
from chatr.testing.contract.erasing import *  # noqa: F403 -- as above
from chatr.testing.contract.fixtures import *  # noqa: F403 -- as above
from chatr.testing.contract.races import *  # noqa: F403 -- as above
from chatr.testing.contract.reads import *  # noqa: F403 -- as above
from chatr.testing.contract.restoring import *  # noqa: F403 -- as above
from chatr.testing.contract.steps import OpenLog
from chatr.testing.contract.tails import *  # noqa: F403 -- as above


@pytest.fixture
def open_log(tmp_path: Path) -> OpenLog:
    """Opens the same log, which is new in each test."""
    return partial(jsonl_store.open_log, f"jsonl:///{tmp_path}/room.jsonl")
