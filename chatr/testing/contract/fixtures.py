"""A fixture of the tests of the contract. It needs pytest-asyncio, in any mode."""

from collections.abc import AsyncIterator

import pytest_asyncio

from chatr.ports import EventLog
from chatr.testing.contract.steps import OpenLog


# The loop is that of each test, as for the tests of the contract, whatever the project has set for its own.
@pytest_asyncio.fixture(loop_scope="function")
async def log(open_log: OpenLog) -> AsyncIterator[EventLog]:
    """An open log without records, of the store that the fixture `open_log` opens."""
    async with open_log() as log:
        yield log
