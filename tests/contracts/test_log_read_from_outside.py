"""A SQLite log keeps the contract for a process that reads it while another one writes it."""

import pytest

from chatr.testing.contract.reads import *  # noqa: F403 -- the tests are whatever the contract names
from chatr.testing.contract.tails import *  # noqa: F403 -- the tests are whatever the contract names

pytestmark = pytest.mark.parametrize("open_log", ["read from outside", "read unchanged"], indirect=True)
