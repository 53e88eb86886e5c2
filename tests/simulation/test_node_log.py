"""The simulated store keeps the contract of an event log, like the real ones, as long as no fault happens."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from chatr.ports import EventLog
from chatr.testing.contract.appends import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.erasing import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.restoring import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.steps import OpenLog
from tests.simulation.node_log import node_log
from tests.simulation.store import FaultRates, Store

# The simulated store has the texts that backups may hold.
del test_no_erased_record_is_left_in_memory  # noqa: F821 -- one of the contract's tests

pytestmark = pytest.mark.long


@pytest.fixture
def open_log() -> OpenLog:
    """Opens the log of a node on a store that is new in each test."""
    store = Store(Random(15), FaultRates(), lambda _stored: None, lambda _position: None)
    return lambda: node_log(store)


@pytest.fixture
async def log(open_log: OpenLog) -> AsyncIterator[EventLog]:
    """An open log without records."""
    async with open_log() as log:
        yield log
