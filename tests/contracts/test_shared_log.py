"""Stores for several nodes keep the contract about that. SQLite has one writer: test_sqlite_opening tests its lock."""

import pytest

from chatr.testing.contract.shared import *  # noqa: F403 -- the tests are whatever the contract names

pytestmark = pytest.mark.parametrize("open_log", ["memory", "postgres"], indirect=True)
