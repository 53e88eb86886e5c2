"""Modules that import the official SDK are left out where all of their tests are: the import takes a second."""

from pathlib import Path

import pytest

WITH_SDK = ("test_python_client.py", "test_bridge.py")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out these modules where no long test runs."""
    return True if config.option.markexpr == "not long" and collection_path.name in WITH_SDK else None
