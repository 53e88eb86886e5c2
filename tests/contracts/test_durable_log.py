"""Stores that outlive their process keep the contract about that."""

import pytest

from chatr.testing.contract.durable import *  # noqa: F403 -- the tests are whatever the contract names

pytestmark = pytest.mark.parametrize("open_log", ["sqlite", "postgres"], indirect=True)
