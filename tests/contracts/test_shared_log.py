"""What a log promises to several nodes. SQLite has one writer: its lock is tested in test_sqlite."""

import pytest

from chatr.testing.contract.shared import *  # noqa: F403 -- the tests are whatever the contract names

pytestmark = pytest.mark.parametrize("open_log", ["memory", "postgres"], indirect=True)
